"""Every case that fools a lag monitor, at once on the real broker, polled by one poller: the verdict of each."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient
from django.conf import settings

from reliability.kafka import clusters
from reliability.kernel.record import TopicPartition
from reliability.lag.domain import schedule
from reliability.lag.domain.summary import PartitionRow
from reliability.lag.models import Group
from reliability.lag.polling.poller import Poller
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]

RUN = uuid.uuid4().hex[:6]
HOT_S = 0.9  # ten looks span eight seconds, the least after which an open transaction counts as stuck
POLLED_S = 12.0


class Case:
    """One group, its topic, and what must be concluded of its first partition."""

    def __init__(self, name: str, expected: str, *, partitions: int = 1) -> None:
        self.name, self.expected = f"{name}-{RUN}", expected
        self.topic = f"t-{name}-{RUN}".replace(" ", "_")
        self.partitions = partitions
        self.place = TopicPartition(self.topic, 0)

    def committed(self, offset: int) -> None:
        """Commit for the group without being its member."""
        consumer = confluent_kafka.Consumer({**profile(), "group.id": self.name, "enable.auto.commit": False})
        consumer.commit(offsets=[confluent_kafka.TopicPartition(self.topic, 0, offset)], asynchronous=False)
        consumer.close()

    def written(self, count: int) -> None:
        producer = confluent_kafka.Producer({**profile(), "linger.ms": 0})
        for _ in range(count):
            producer.produce(self.topic, b"v", partition=0)
        assert producer.flush(20) == 0

    @contextmanager
    def member(self, **options: Any) -> Iterator[confluent_kafka.Consumer]:
        """A member that owns its partitions and reads nothing by itself."""
        consumer = confluent_kafka.Consumer(
            {
                **profile(),
                "group.id": self.name,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                **options,
            }
        )
        consumer.subscribe([self.topic])
        try:
            yield consumer
        finally:
            consumer.close()


def profile() -> dict[str, Any]:
    return dict(settings.KAFKA_CLUSTERS["main"])


def owned(consumers: list[confluent_kafka.Consumer]) -> None:
    """Poll until each owns something, with what comes put back."""
    until = time.monotonic() + 30
    while not all(consumer.assignment() for consumer in consumers):
        assert time.monotonic() < until, "no assignment"
        for consumer in consumers:
            consumer.poll(0.05)


STOPPED = Case("stopped", "STOP")
STALLED = Case("stalled", "STALL")
NEVER = Case("commits nothing", "UNKNOWN")
SLOW = Case("slow topic", "OK")
BEHIND = Case("falls behind", "WARN")
STEADY = Case("reads on", "OK")
RECREATED = Case("recreated", "EMPTY")  # the broker drops the commits with the topic
AHEAD = Case("ahead", "AHEAD")
LOST = Case("retention", "TRUNCATED")
MARKERS = Case("markers", "OK")
BLOCKED = Case("open transaction", "BLOCKED")
REWOUND = Case("rewound", "REWIND")
ASSIGNED = Case("assigned", "OK")
IDLE = Case("idle", "OK", partitions=2)
EMPTY = Case("at rest", "EMPTY")
ODD = Case("ödd /'\"<b>&%00 {{x}}", "STOP")
CASES = [
    STOPPED, STALLED, NEVER, SLOW, BEHIND, STEADY, RECREATED, AHEAD, LOST, MARKERS, BLOCKED, REWOUND, ASSIGNED, IDLE,
    EMPTY, ODD,
]  # fmt: skip
ODD.topic = f"t-odd-{RUN}"
ODD.place = TopicPartition(ODD.topic, 0)


@pytest.fixture
def topics() -> Iterator[None]:
    for case in CASES:
        case.topic = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in case.topic)
        case.place = TopicPartition(case.topic, 0)
    admin = clusters.admin()
    admin.create_topics({case.topic: case.partitions for case in CASES})
    yield
    for case in CASES:
        admin.delete_topic(case.topic)


def arranged(stack: ExitStack) -> Callable[[int], None]:
    """Bring about every case; return what has to go on in each look."""
    for case in (STOPPED, ODD, STALLED, LOST, REWOUND, NEVER, IDLE):
        case.written(20)
    for case in (SLOW, BEHIND, STEADY, ASSIGNED, EMPTY, RECREATED):
        case.written(10)
        case.committed(10)
    STOPPED.committed(5)
    ODD.committed(5)
    LOST.committed(5)
    admin = AdminClient(profile())
    for answer in admin.delete_records([at(LOST, 15)]).values():
        answer.result(20)
    recreated(RECREATED)
    AHEAD.committed(999)
    transactional(stack)
    members = {
        case: stack.enter_context(case.member()) for case in (STALLED, NEVER, SLOW, BEHIND, STEADY, BLOCKED, MARKERS)
    }
    idle = [stack.enter_context(IDLE.member()) for _ in range(2)]
    owned([*members.values(), *idle])
    idle += [stack.enter_context(IDLE.member()) for _ in range(5)]
    members[STALLED].commit(offsets=[at(STALLED, 5)], asynchronous=False)
    members[BLOCKED].commit(offsets=[at(BLOCKED, 1)], asynchronous=False)
    members[MARKERS].commit(offsets=[at(MARKERS, 3)], asynchronous=False)
    idle[0].commit(offsets=[at(IDLE, 20), confluent_kafka.TopicPartition(IDLE.topic, 1, 0)], asynchronous=False)

    def goes_on(look: int) -> None:
        for consumer in [*members.values(), *idle]:
            consumer.poll(0)
        STALLED.written(1)
        if look == 7:
            SLOW.written(1)  # after a long rest: nobody has read it yet, and nothing is wrong
        BEHIND.written(3)
        members[BEHIND].commit(offsets=[at(BEHIND, 10 + 2 * look)], asynchronous=False)
        STEADY.written(2)
        members[STEADY].commit(offsets=[at(STEADY, 10 + 2 * look)], asynchronous=False)
        ASSIGNED.written(1)
        ASSIGNED.committed(10 + look)
        REWOUND.committed(15 if look < 8 else 4)

    return goes_on


def at(case: Case, offset: int) -> confluent_kafka.TopicPartition:
    return confluent_kafka.TopicPartition(case.topic, 0, offset)


def recreated(case: Case) -> None:
    admin = clusters.admin()
    assert admin.delete_topic(case.topic) is None
    wait_until(
        lambda: admin.create_topics({case.topic: 1})[case.topic] is None and admin.partition_count(case.topic) == 1,
        within_s=20,
        what="the topic is made again",
    )


def transactional(stack: ExitStack) -> None:
    """Three records and their marker behind which nothing waits; one record, then a transaction that does not end."""
    done = confluent_kafka.Producer({**profile(), "transactional.id": f"done-{RUN}", "linger.ms": 0})
    done.init_transactions(20)
    done.begin_transaction()
    for _ in range(3):
        done.produce(MARKERS.topic, b"v", partition=0)
    done.commit_transaction(20)
    BLOCKED.written(1)
    hanging = confluent_kafka.Producer({**profile(), "transactional.id": f"hanging-{RUN}", "linger.ms": 0})
    hanging.init_transactions(20)
    hanging.begin_transaction()
    hanging.produce(BLOCKED.topic, b"v", partition=0)
    assert hanging.flush(20) == 0
    BLOCKED.written(4)
    stack.callback(hanging.abort_transaction, 20)


def rows() -> dict[str, tuple[str, str]]:
    """Verdict and reason of each group's first partition."""
    found = {}
    for group in Group.objects.filter(name__endswith=RUN):
        parts = [PartitionRow(*each) for each in group.rows]
        found[group.name] = next(((part.word, part.reason) for part in parts if part.partition == 0), (group.word, ""))
    return found


def test_each_case_gets_its_verdict(topics: None) -> None:
    poller = Poller(
        "main",
        make_admin=partial(clusters.group_admin, "main", client_id="test-lag"),
        make_reader=partial(clusters.reader, "main", client_id="test-lag"),
        intervals=schedule.Intervals(hot_s=HOT_S, quiet_s=3.0),
    )
    with ExitStack() as stack:
        stack.callback(poller.close)
        goes_on = arranged(stack)
        until, look = time.monotonic() + POLLED_S, 0
        while time.monotonic() < until:
            began = time.monotonic()
            goes_on(look)
            while not poller.step():
                time.sleep(0.02)
            look += 1
            time.sleep(max(0.0, HOT_S - (time.monotonic() - began)))
        found = rows()
        groups = {group.name: group for group in Group.objects.filter(name__endswith=RUN)}
    assert {case.name: found.get(case.name, ("missing", ""))[0] for case in CASES} == {
        case.name: case.expected for case in CASES
    }, found
    assert "never committed" in found[NEVER.name][1]
    assert f"hanging-{RUN}" in found[BLOCKED.name][1]
    assert groups[LOST.name].lost == 10
    assert groups[IDLE.name].facts["idle"] == 5
    assert groups[ASSIGNED.name].state == "empty"
