"""What a gate does to a consume loop, and what becomes of a record whose work is postponed."""

from __future__ import annotations

from collections.abc import Sequence

from reliability.kafka.incoming import Incoming
from reliability.kafka.memory.consumer import MemoryConsumer
from reliability.kafka.ports import Passage, Progress
from reliability.kafka.tries import HandlingPolicy
from reliability.kafka.turnstile import Turnstile
from reliability.kernel.clock import ManualClock
from reliability.kernel.errors import Postponed, Transient
from reliability.kernel.record import Record
from tests.unit.kafka.bench import Bench, Worked, steps
from tests.unit.kafka.fakes import Store, handling, record


class Gate:
    """A gate that a test sets."""

    def __init__(self, **passage: object) -> None:
        self.says(**passage)

    def says(self, **passage: object) -> None:
        self._passage = Passage(**passage)  # type: ignore[arg-type]

    def passage(self) -> Passage:
        return self._passage


class Later(Postponed):
    retry_after_s = 3.0


def test_while_the_gate_is_shut_nothing_is_read_and_the_group_is_served() -> None:
    bench, worked = Bench(), Worked()
    gate = Gate(share=1.0)
    loop = bench.loop(worked, gate=gate)
    steps(loop, 3)
    gate.says(share=0.0, again_s=0.25, reason="the breaker payments")
    steps(loop, 3)
    bench.write(b"0", b"1")
    bench.write(b"2", partition=1)
    for _ in range(10):
        bench.clock.advance(0.25)
        steps(loop, 2)
    assert (worked.values, loop.facts()["held_records"], loop.facts()["partitions"]) == ([], 0, 2)
    [consumer] = bench.consumers
    assert isinstance(consumer, MemoryConsumer)
    gate.says(share=1.0)
    bench.clock.advance(0.25)
    steps(loop)
    assert sorted(worked.values, key=str) == [b"0", b"1", b"2"]


def test_what_holds_it_back_is_told_with_its_beginning() -> None:
    bench = Bench()
    gate = Gate(share=0.0, again_s=1.0, reason="the breaker payments")
    loop = bench.loop(Worked(), gate=gate)
    steps(loop, 1)
    since = bench.clock.now().isoformat(timespec="seconds")
    for _ in range(5):
        bench.clock.advance(1)
        steps(loop, 2)
    assert (loop.facts()["gate"], loop.facts()["gate_since"]) == ("the breaker payments", since)
    gate.says(share=1.0)
    bench.clock.advance(1)
    steps(loop, 2)
    assert "gate" not in loop.facts()


def test_a_gate_that_lets_some_try_bounds_what_is_handed_over_at_once() -> None:
    bench, worked, gate = Bench(), Worked(), Gate(share=1.0, records=1)
    bench.write(*[b"x"] * 4)
    loop = bench.loop(worked, gate=gate, batch=10)
    steps(loop, 3)
    assert worked.sizes == [1, 1]
    gate.says(share=1.0)
    steps(loop, 2)
    assert worked.sizes == [1, 1, 2]


def test_a_rest_pauses_no_partition() -> None:
    """What a client has fetched ahead is lost with a pause; so a ramp of short rests would be a ramp of waits."""
    bench, gate = Bench(), Gate(share=0.25)
    bench.write(*[b"x"] * 4)

    def work(records: Sequence[Record]) -> Progress:
        bench.clock.advance(1)
        return Progress(done=1)

    loop = bench.loop(work, gate=gate)
    steps(loop, 3)
    assert [lane.paused for lane in loop._owned.lanes.values()] == [False, False]


def test_a_rest_is_as_long_as_the_share_says_however_long_the_work_took() -> None:
    clock = ManualClock()
    turnstile = Turnstile(Gate(share=0.1, again_s=0.25), time=clock)
    assert turnstile.records() > 0
    clock.advance(60)
    turnstile.spent(60)
    rested_s = 0.0
    while turnstile.records() == 0:
        clock.advance(0.25)
        rested_s += 0.25
    assert rested_s == 540


def test_a_share_that_grows_shortens_the_rest() -> None:
    clock, gate = ManualClock(), Gate(share=0.1, again_s=0.25)
    turnstile = Turnstile(gate, time=clock)
    clock.advance(1)
    turnstile.spent(1)
    assert turnstile.records() == 0
    clock.advance(4.5)
    assert turnstile.records() == 0
    gate.says(share=0.5, again_s=0.25)
    clock.advance(0.4)
    assert turnstile.records() == 0
    clock.advance(0.2)
    assert turnstile.records() > 0
    turnstile.spent(100)
    gate.says(share=1.0)
    assert turnstile.records() > 0, "without a ramp nothing is owed"


def test_what_is_postponed_is_no_try() -> None:
    store, tries = Store(), []

    def handler(one: Incoming) -> None:
        tries.append(one.message_id)
        if len(tries) < 20:
            raise Later
        raise Transient("the bank does not answer")

    work = handling(store, handler, policy=HandlingPolicy(blocking_retries=1, retries=(5,)))
    for _ in range(19):
        progress = work([record(0)])
        assert (progress.done, progress.wait_s) == (0, 3.0)
    assert (store.letters, store.retried, store.seen) == ([], [], {})
    assert work([record(0)]).done == 0
    assert work([record(0)]).done == 1
    assert store.tries == [2], "only those that were made"


def test_a_wait_beyond_reason_is_cut_short_because_a_person_may_end_it() -> None:
    class Tomorrow(Postponed):
        retry_after_s = 86_400.0

    def handler(one: Incoming) -> None:
        raise Tomorrow

    assert handling(Store(), handler)([record(0)]).wait_s == 5.0


def test_a_batch_that_is_postponed_waits_whole() -> None:
    store, together = Store(), []

    def handler(one: Incoming) -> None:
        together.append(one.record.offset)
        if len(together) == 2:
            raise Later

    work = handling(store, handler)
    batch = [record(0), record(1), record(2)]
    assert work(batch).wait_s == 3.0
    assert store.seen == {}
    assert work(batch) == Progress(done=3)
    assert together == [0, 1, 0, 1, 2]


def test_a_death_after_a_postponed_try_is_told_as_the_first() -> None:
    store = Store()

    def handler(one: Incoming) -> None:
        raise Later

    handling(store, handler)([record(0)])
    assert not any(started for _, started in store.starts.values()), "nobody died over it"
