"""The consume loop: order, waits, pauses, gates and failures."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from reliability.kafka import assignment, lanes
from reliability.kafka.lanes import Lane
from reliability.kafka.loop import Listeners
from reliability.kafka.memory.consumer import MemoryConsumer
from reliability.kafka.ports import PartitionError, Passage, Progress
from reliability.kernel.record import Record
from tests.unit.kafka import fakes
from tests.unit.kafka.bench import ORDERS_0, ORDERS_1, Bench, Worked, steps


class Gate:
    """A gate that a test sets."""

    def __init__(self, share: float) -> None:
        self.share = share

    def passage(self) -> Passage:
        return Passage(share=self.share, again_s=5.0, reason="the breaker is open")


def test_it_hands_over_in_order_and_commits_what_is_finished() -> None:
    bench, worked = Bench(), Worked()
    bench.write(b"0", b"1", b"2")
    loop = bench.loop(worked)
    steps(loop)
    assert worked.values == [b"0", b"1", b"2"]
    assert bench.committed() == {ORDERS_0: 3}


def test_partitions_take_turns() -> None:
    bench, worked = Bench(), Worked()
    bench.write(b"a0", b"a1", b"a2")
    bench.write(b"b0", b"b1", b"b2", partition=1)
    steps(bench.loop(worked))
    assert worked.values == [b"a0", b"b0", b"a1", b"b1", b"a2", b"b2"]


def test_what_was_read_is_shown_before_it_is_handed_over() -> None:
    bench, worked = Bench(), Worked()
    bench.write(b"0", b"1")
    shown: list[bytes | None] = []

    def show(records: Sequence[Record]) -> None:
        assert worked.values == []
        shown.extend(record.value for record in records)

    loop = bench.loop(worked, tell=Listeners(read=show))
    loop.step()
    assert shown == [b"0", b"1"]


def test_a_batch_is_of_one_partition_and_no_larger_than_asked_for() -> None:
    bench, worked = Bench(), Worked()
    bench.write(*[b"a"] * 5)
    bench.write(*[b"b"] * 2, partition=1)
    steps(bench.loop(worked, batch=3))
    assert worked.sizes == [3, 2, 2]


def test_only_what_was_reported_as_done_is_committed_and_the_rest_comes_again() -> None:
    bench = Bench()
    bench.write(b"0", b"1", b"2", b"3")
    handed: list[list[bytes | None]] = []

    def work(records: Sequence[Record]) -> Progress:
        handed.append([record.value for record in records])
        return Progress(done=1, wait_s=5.0 if len(handed) == 2 else 0.0, reason="later")

    steps(bench.loop(work, batch=9))
    assert handed == [[b"0", b"1", b"2", b"3"], [b"1", b"2", b"3"]]
    assert bench.committed() == {ORDERS_0: 2}


def test_a_partition_whose_record_waits_is_paused_and_the_others_go_on() -> None:
    bench = Bench()
    bench.write(b"bad", b"after bad")
    bench.write(b"good", partition=1)
    worked: list[bytes | None] = []

    def work(records: Sequence[Record]) -> Progress:
        worked.append(records[0].value)
        if records[0].value == b"bad" and worked.count(b"bad") < 3:
            return Progress(done=0, wait_s=10.0, reason="try 1 failed")
        return Progress(done=1)

    loop = bench.loop(work)
    steps(loop)
    assert worked == [b"bad", b"good"]
    assert bench.committed() == {ORDERS_1: 1}
    assert loop.facts()["waiting"] == {"orders/0": "try 1 failed"}
    bench.write(b"later")
    bench.write(b"more", partition=1)
    steps(loop)
    assert loop.facts()["held_records"] == 2, "a paused partition is not read further"
    assert worked == [b"bad", b"good", b"more"]
    for _ in range(2):
        bench.clock.advance(10)
        steps(loop)
    assert worked == [b"bad", b"good", b"more", b"bad", b"bad", b"after bad", b"later"]
    assert bench.committed() == {ORDERS_0: 3, ORDERS_1: 2}


def test_work_that_raises_is_repeated_with_growing_waits_and_nothing_is_skipped() -> None:
    bench = Bench()
    bench.write(b"0", b"1")
    calls: list[bytes | None] = []

    def work(records: Sequence[Record]) -> Progress:
        calls.append(records[0].value)
        if len(calls) < 6:
            raise OSError("the disk is full")
        return Progress(done=1)

    loop = bench.loop(work)
    for _ in range(40):
        loop.step()
        bench.clock.advance(16)
    assert calls == [b"0"] * 6 + [b"1"]
    assert bench.committed() == {ORDERS_0: 2}


def test_the_last_error_is_shown_until_work_succeeds() -> None:
    bench = Bench()
    bench.write(b"0")
    failing = [True]

    def work(records: Sequence[Record]) -> Progress:
        if failing[0]:
            raise OSError("the disk is full")
        return Progress(done=1)

    loop = bench.loop(work)
    steps(loop, 3)
    assert loop.facts()["last_error"] == "OSError: the disk is full"
    assert loop.facts()["last_error_at"] == bench.clock.now().isoformat(timespec="seconds")
    failing[0] = False
    bench.clock.advance(60)
    steps(loop)
    assert "last_error" not in loop.facts()


def test_what_the_client_complained_of_is_shown_with_its_time_until_records_come_again() -> None:
    bench, worked = Bench(), Worked()
    loop = bench.loop(worked)
    loop.step()
    told_at = bench.clock.now().isoformat(timespec="seconds")
    complains(bench, kind="client", code="_ALL_BROKERS_DOWN")
    loop.step()
    bench.clock.advance(60)
    steps(loop, 5)
    facts = loop.facts()
    assert (facts["last_error"], facts["last_error_at"]) == ("client  _ALL_BROKERS_DOWN: away", told_at)
    bench.write(b"0")
    steps(loop)
    assert "last_error" not in loop.facts()
    assert "last_error_at" not in loop.facts()


def test_records_of_one_topic_do_not_excuse_another() -> None:
    bench, worked = Bench(), Worked()
    loop = bench.loop(worked)
    loop.step()
    complains(bench, kind="fetch", topic="payments", code="UNKNOWN_TOPIC")
    loop.step()
    bench.write(b"0")
    steps(loop)
    assert str(loop.facts()["last_error"]).startswith("fetch payments UNKNOWN_TOPIC")


def test_a_refused_commit_is_shown_until_a_later_one_is_taken() -> None:
    bench, worked = Bench(), Worked()
    bench.write(b"0")
    loop = bench.loop(worked)
    loop.step()
    complains(bench, kind="commit", topic="orders", code="REBALANCE")
    loop.step()
    assert "last_error" in loop.facts()
    steps(loop)
    assert "last_error" in loop.facts(), "nobody has said yet that the next one was taken"
    bench.clock.advance(assignment.COMMIT_QUIET_S)
    steps(loop, 3)
    assert bench.committed() == {ORDERS_0: 1}
    assert "last_error" not in loop.facts()


def complains(bench: Bench, *, kind: str, code: str, topic: str = "") -> None:
    """Let the client tell of one error, as librdkafka's callbacks do."""
    client = bench.consumers[-1]
    assert isinstance(client, MemoryConsumer)
    error = PartitionError(kind=kind, topic=topic, partition=0 if topic else -1, code=code, message="away")
    client._errors.append(error)


def test_a_record_that_is_not_due_waits_until_it_is() -> None:
    bench, worked = Bench(), Worked()
    bench.write(b"now", b"in 5 s", b"now too")
    due = bench.clock.monotonic() + 5
    loop = bench.loop(
        worked, due_s=lambda record: due - bench.clock.monotonic() if record.value == b"in 5 s" else 0.0, batch=10
    )
    steps(loop)
    assert worked.values == [b"now"]
    bench.clock.advance(4.9)
    steps(loop)
    assert worked.values == [b"now"]
    bench.clock.advance(0.2)
    steps(loop)
    assert worked.values == [b"now", b"in 5 s", b"now too"]


def test_a_closed_gate_lets_nothing_start_and_pauses_what_is_held() -> None:
    bench, worked, gate = Bench(), Worked(), Gate(0.0)
    bench.write(b"0")
    loop = bench.loop(worked, gate=gate)
    steps(loop)
    assert worked.values == []
    assert loop.facts()["gate"] == "the breaker is open"
    bench.write(b"1")
    steps(loop)
    assert loop.facts()["held_records"] == 1
    gate.share = 1.0
    steps(loop)
    assert worked.values == [], "it asks again when the gate said so, not before"
    bench.clock.advance(5)
    steps(loop)
    assert worked.values == [b"0", b"1"]


def test_a_ramp_lets_a_share_of_the_time_through() -> None:
    bench, gate = Bench(), Gate(0.25)
    bench.write(*[b"x"] * 10)
    worked: list[float] = []

    def work(records: Sequence[Record]) -> Progress:
        worked.append(bench.clock.monotonic())
        bench.clock.advance(1)
        return Progress(done=1)

    loop = bench.loop(work, gate=gate)
    while bench.clock.monotonic() < 17:
        steps(loop, 3)
        bench.clock.advance(0.5)
    assert [round(later - earlier, 1) for earlier, later in itertools.pairwise(worked)] == [4.0] * (len(worked) - 1)
    assert len(worked) >= 4


def test_a_batch_ends_where_the_log_begins_anew() -> None:
    lane = Lane(ORDERS_0)
    offsets = (7, 8, 0, 1)
    assert [lane.receive(fakes.record(offset)) for offset in offsets] == [True, True, False, True]
    batches = []
    while batch := lane.batch(size=10, due_s=lanes.due_at_once):
        batches.append([record.offset for record in batch])
        lane.finish(len(batch))
    assert batches == [[7, 8], [0, 1]]


def test_a_batch_is_bounded_by_bytes_but_never_empty() -> None:
    lane = Lane(ORDERS_0)
    large = b"x" * lanes.BYTES_MAX
    for offset, value in enumerate((large, b"", b"", large)):
        lane.receive(fakes.record(offset, value=value))
    assert lane.should_pause(0.0)
    sizes = []
    while batch := lane.batch(size=10, due_s=lanes.due_at_once):
        sizes.append(len(batch))
        lane.finish(len(batch))
    assert sizes == [1, 2, 1]
    assert lane.pending_bytes == 0


def test_a_topic_is_read_from_its_beginning_when_asked_for() -> None:
    bench, worked = Bench(), Worked()
    bench.write(b"0", b"1")
    loop = bench.loop(worked)
    steps(loop)
    loop.rewind("another")
    loop.rewind("orders")
    steps(loop)
    assert worked.values == [b"0", b"1", b"0", b"1"]
    assert bench.committed() == {ORDERS_0: 2}
