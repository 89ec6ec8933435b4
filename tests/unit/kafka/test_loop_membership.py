"""The consume loop in its group: assignments, rebalances, broken clients, stops."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from reliability.kafka import ports
from reliability.kafka.loop import Listeners, Loop, LoopPolicy
from reliability.kafka.memory.consumer import MemoryConsumer
from reliability.kafka.ports import Progress
from reliability.kernel.record import Record
from tests.unit.kafka.bench import ORDERS_0, ORDERS_1, Bench, Worked, steps


def test_nothing_is_handed_over_before_the_assignment_is_known_to_who_asked() -> None:
    bench, worked = Bench(), Worked()
    bench.write(b"0")
    told: list[ports.Partitions] = []

    def on_assign(partitions: ports.Partitions) -> None:
        told.append(partitions)
        if len(told) == 1:
            raise ports.Unavailable("no topic ids yet")

    loop = bench.loop(worked, tell=Listeners(assigned=on_assign))
    loop.step()
    with pytest.raises(ports.Unavailable):
        loop.step()
    assert worked.values == []
    steps(loop)
    assert told == [frozenset({ORDERS_0, ORDERS_1})] * 2
    assert worked.values == [b"0"]


def test_a_log_that_begins_anew_is_told_before_its_first_record_is_handed_over() -> None:
    bench = Bench()
    bench.write(b"old 0", b"old 1")
    story: list[object] = []

    def work(records: Sequence[Record]) -> Progress:
        story.append(records[0].value)
        return Progress(done=1)

    loop = bench.loop(work, tell=Listeners(reset=lambda partitions: story.append(partitions)))
    steps(loop)
    bench.broker.admin().delete_topic("orders")
    bench.broker.admin().create_topics({"orders": 2})
    bench.write(b"new 0")
    steps(loop)
    assert story == [b"old 0", b"old 1", frozenset({ORDERS_0}), b"new 0"]
    assert bench.committed() == {ORDERS_0: 1}


def test_a_broken_client_is_replaced_and_what_was_held_is_read_again() -> None:
    bench, worked = Bench(), Worked()
    bench.write(b"0")
    loop = bench.loop(worked)
    loop.step()
    broken = bench.consumers[0]
    assert isinstance(broken, MemoryConsumer)
    broken.poll = _breaking  # type: ignore[method-assign]  # what a fenced member's client does
    bench.clock.advance(2)
    with pytest.raises(ports.ClientBroken):
        steps(loop)
    bench.write(b"1")
    steps(loop)
    assert worked.values[-1] == b"1"
    assert len(bench.consumers) == 2
    assert bench.committed() == {ORDERS_0: 2}


def _breaking(*, max_records: int, timeout_s: float) -> list[Record]:
    raise ports.ClientBroken("fenced")


def test_partitions_that_were_lost_commit_nothing_and_are_read_again_when_they_come_back() -> None:
    bench = Bench()
    bench.write(b"0", b"1")
    handed: list[bytes | None] = []

    def work(records: Sequence[Record]) -> Progress:
        handed.append(records[0].value)
        return Progress(done=1)

    loop = bench.loop(work)
    loop.step()
    loop.step()
    bench.broker.take_away("g")
    loop.step()
    assert bench.committed() == {}, "what it did not know to be lost was not accepted"
    bench.clock.advance(1)
    steps(loop)
    assert handed == [b"0", b"1", b"0", b"1"]
    assert bench.committed() == {ORDERS_0: 2}


def test_closing_commits_and_leaves_the_group() -> None:
    bench, worked = Bench(), Worked()
    bench.write(b"0")
    loop = bench.loop(worked)
    steps(loop)
    loop.close()
    loop.close()
    assert bench.committed() == {ORDERS_0: 1}
    assert bench.broker.group("g").members == []


class Slow:
    """Work on another thread that waits until a test lets it go on."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, records: Sequence[Record]) -> Progress:
        self.begun.set()
        assert self.go_on.wait(10)
        return Progress(done=len(records))


def threaded(bench: Bench, work: ports.Work, *, policy: LoopPolicy, **more: Callable[[Record], None]) -> Loop:
    return Loop(connect=bench.connect, work=work, topics=["orders"], policy=policy, **more)


def until(loop: Loop, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        loop.step()


def test_a_rebalance_waits_a_little_for_work_under_way_and_commits_it() -> None:
    bench, slow = Bench(), Slow()
    bench.broker.log.create({"orders": 2})
    bench.write(b"0", partition=1)
    loop = threaded(bench, slow, policy=LoopPolicy(idle_s=0.0, revoke_wait_s=5.0))
    until(loop, slow.begun.is_set)
    other = bench.broker.consumer(group="g")
    other.subscribe(topics=["orders"])
    threading.Timer(0.1, slow.go_on.set).start()
    until(loop, lambda: loop.facts()["partitions"] == 1)
    assert bench.committed() == {ORDERS_1: 1}
    loop.close()


def test_work_that_a_rebalance_cannot_wait_for_is_not_committed() -> None:
    bench, slow = Bench(), Slow()
    bench.write(b"0", partition=1)
    loop = threaded(bench, slow, policy=LoopPolicy(idle_s=0.0, revoke_wait_s=0.05))
    until(loop, slow.begun.is_set)
    other = bench.broker.consumer(group="g")
    other.subscribe(topics=["orders"])
    until(loop, lambda: loop.facts()["partitions"] == 1)
    slow.go_on.set()
    until(loop, lambda: "under_way_s" not in loop.facts())
    loop.close()
    assert bench.committed() == {}


def test_a_stop_finishes_the_work_under_way() -> None:
    bench, slow = Bench(), Slow()
    bench.write(b"0", b"1")
    loop = threaded(bench, slow, policy=LoopPolicy(idle_s=0.0))
    until(loop, slow.begun.is_set)
    threading.Timer(0.1, slow.go_on.set).start()
    loop.close()
    assert bench.committed() == {ORDERS_0: 1}


def test_work_over_its_deadline_is_reported_with_its_record() -> None:
    bench, slow = Bench(), Slow()
    bench.write(b"0")
    overran: list[int] = []
    loop = threaded(
        bench,
        slow,
        policy=LoopPolicy(idle_s=0.0, deadline_s=0.3, drain_s=0.0),
        tell=Listeners(overrun=lambda record: overran.append(record.offset)),
    )
    until(loop, lambda: bool(overran))
    assert overran == [0]
    slow.go_on.set()
    loop.close()
