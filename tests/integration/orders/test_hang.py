"""The demo's faults that make a group stand still: what they do to the consumer, and that they name themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reliability.console.domain.values import Subject
from reliability.kafka import memory, ports
from reliability.kafka.memory.consumer import MemoryConsumer
from reliability.kernel import clock
from reliability.kernel.record import TopicPartition
from sagas.orders import invoicing, operations, queries
from sagas.orders.domain.faults import INVOICING_HANG, INVOICING_STOPPED
from sagas.orders.domain.workload import INVOICES_CREATED
from tests.support import actors

HOUR = timedelta(hours=1)


class Bench:
    """The service over a broker in memory."""

    def __init__(self) -> None:
        self.broker = memory.MemoryBroker()
        self.broker.admin().create_topics({INVOICES_CREATED: 1, invoicing.DEAD_LETTERS: 1})
        self.hangs = self.stopped = False
        self.worked: list[float] = []
        self.service = invoicing.Invoicing(
            join=lambda: self.broker.consumer(group=invoicing.GROUP),
            producer=self.broker.producer(),
            broken=lambda: False,
            hangs=lambda: self.hangs,
            stopped=lambda: self.stopped,
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

    @property
    def state(self) -> str | None:
        (listed,) = self.broker.group_admin().groups()
        return listed.state


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
    assert bench.state == "stable", "it is still a member"
    bench.hangs = False
    for _ in range(5):
        bench.service.step()
    assert (bench.committed, len(bench.worked)) == (9, 9)
    bench.service.close()


def test_stopped_it_leaves_its_group_and_reads_on_from_where_the_offsets_stand_then() -> None:
    bench = Bench()
    bench.write(6)
    bench.service.step()
    bench.stopped = True
    for _ in range(3):
        assert not bench.service.step()
    assert (bench.committed, bench.state) == (4, "empty")
    bench.broker.group(invoicing.GROUP).committed[TopicPartition(INVOICES_CREATED, 0)] = 1  # somebody resets them
    bench.stopped = False
    bench.worked.clear()
    for _ in range(4):
        bench.service.step()
    assert (bench.committed, bench.worked) == (6, [invoicing.RECORD_S] * 5)
    bench.service.close()


def test_a_batch_that_failed_in_the_middle_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    bench.write(6)
    with monkeypatch.context() as busy:
        busy.setattr(bench.service._producer, "flush", lambda timeout_s: 1)
        with pytest.raises(ports.Unavailable):
            bench.service.step()
    assert bench.committed is None
    for _ in range(3):
        bench.service.step()
    assert (bench.committed, len(bench.worked)) == (6, 4 + 6)
    bench.service.close()


def test_it_joins_anew_when_it_could_not_subscribe(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    bench.write(2)
    with monkeypatch.context() as refused:
        refused.setattr(MemoryConsumer, "subscribe", lambda *args, **named: pytest.fail("not now"))
        with pytest.raises(pytest.fail.Exception):
            bench.service.step()
    bench.service.step()
    assert bench.committed == 2
    bench.service.close()


def test_what_it_held_when_it_was_stopped_is_read_again() -> None:
    bench = Bench()
    bench.write(3)
    bench.hangs = True
    bench.service.step()
    bench.stopped = True
    bench.service.step()
    bench.stopped = bench.hangs = False
    for _ in range(3):
        bench.service.step()
    assert bench.committed == 3
    assert bench.worked == [invoicing.STOPPED_LOOK_S] + [invoicing.RECORD_S] * 3, "each once"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("fault", "words"), [(INVOICING_HANG, "hangs” is on"), (INVOICING_STOPPED, "is stopped” is on")]
)
def test_it_is_off_at_first_and_names_itself_while_it_is_on(fault: str, words: str) -> None:
    subjects = [Subject(kind="group", name="invoicing"), Subject(kind="topic", name=INVOICES_CREATED)]
    others = [Subject(kind="topic", name="invoicing"), Subject(kind="group", name="payments")]
    assert not queries.is_on(fault)
    for on, count in ((True, 1), (False, 0)):
        operations.switch(name=fault, on=on, actor=actors.actor(), now=clock.SYSTEM.now())
        for subject in subjects:
            facts = queries.cause(subject, HOUR)
            assert len(facts) == count
            assert all(words in fact.text and fact.url == "/demo/" for fact in facts)
        assert not any(queries.cause(subject, HOUR) for subject in others)
