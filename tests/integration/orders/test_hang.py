"""The demo's fault that makes a group stand still: what it does to the consumer, and that it names itself as cause."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reliability.console.domain.values import Subject
from reliability.kafka import memory
from reliability.kernel import clock
from reliability.kernel.record import TopicPartition
from sagas.orders import invoicing, operations, queries
from sagas.orders.domain.faults import INVOICING_HANG
from sagas.orders.domain.workload import INVOICES_CREATED
from tests.support import actors

HOUR = timedelta(hours=1)


class Bench:
    """The service over a broker in memory."""

    def __init__(self) -> None:
        self.broker = memory.MemoryBroker()
        self.broker.admin().create_topics({INVOICES_CREATED: 1, invoicing.DEAD_LETTERS: 1})
        self.hangs = False
        self.worked: list[float] = []
        self.service = invoicing.Invoicing(
            consumer=self.broker.consumer(group=invoicing.GROUP),
            producer=self.broker.producer(),
            broken=lambda: False,
            hangs=lambda: self.hangs,
            work=self.worked.append,
        )

    def write(self, count: int) -> None:
        producer = self.broker.producer()
        for _ in range(count):
            producer.produce(topic=INVOICES_CREATED, key=b"k", value=b"{}")
        producer.flush(1.0)

    @property
    def committed(self) -> int | None:
        return self.broker.group(invoicing.GROUP).committed.get(TopicPartition(INVOICES_CREATED, 0))


def test_it_stays_in_its_group_works_off_nothing_and_then_everything_once() -> None:
    bench = Bench()
    bench.write(6)
    bench.service.step()
    assert (bench.committed, bench.worked) == (4, [invoicing.RECORD_S] * 4)
    bench.hangs = True
    for _ in range(5):
        assert not bench.service.step()
    bench.write(3)
    bench.service.step()
    assert bench.committed == 4
    (listed,) = bench.broker.group_admin().groups()
    assert listed.state == "stable", "it is still a member"
    bench.hangs = False
    for _ in range(5):
        bench.service.step()
    assert (bench.committed, len(bench.worked)) == (9, 9)
    bench.service.close()


@pytest.mark.django_db(transaction=True)
def test_it_is_off_at_first_and_names_itself_while_it_is_on() -> None:
    subjects = [Subject(kind="group", name="invoicing"), Subject(kind="topic", name=INVOICES_CREATED)]
    others = [Subject(kind="topic", name="invoicing"), Subject(kind="group", name="payments")]
    assert not queries.is_on(INVOICING_HANG)
    for on, count in ((True, 1), (False, 0)):
        operations.switch(name=INVOICING_HANG, on=on, actor=actors.actor(), now=clock.SYSTEM.now())
        for subject in subjects:
            facts = queries.cause(subject, HOUR)
            assert len(facts) == count
            assert all("hangs” is on" in fact.text and fact.url == "/demo/" for fact in facts)
        assert not any(queries.cause(subject, HOUR) for subject in others)
