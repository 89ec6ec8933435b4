"""The consume loop: poll, hand batches of one partition to `work`, commit what is finished.

Kafka is polled on the thread that calls `step`; `work` runs on one thread beside it, so that slow work is no missed
poll and no rebalance. A partition whose next record has to wait is paused, never slept for. Offsets are committed only
for what `work` reported as done, so a record is handed over at least once; `handling` and the inbox make that "once".
"""

from __future__ import annotations

import functools
import os
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime

import structlog

from reliability.kafka import assignment, lanes, ports, worker
from reliability.kafka.lanes import Lane
from reliability.kafka.turnstile import Turnstile
from reliability.kernel import backoff, clock
from reliability.kernel.record import Record

log = structlog.get_logger(__name__)

EXIT_OVERRUN = 70  # EX_SOFTWARE: the supervisor starts the process again
FAILURE_BASE_S = 0.25
FAILURE_CAP_S = 15.0
_KEEP_ALIVE_S = 1.0  # how long the group may go unserved while work is under way
_SLICE_S = 0.25  # how long `step` waits for work under way, hence how fast a stop is noticed
_WAITING_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPolicy:
    """How a loop reads, waits and stops. Times in seconds."""

    batch: int = 1
    """The most records handed to `work` at once."""
    poll_records: int = 500
    idle_s: float = 0.5
    """The longest wait of one poll."""
    commit_every_s: float = 0.5
    deadline_s: float = 50.0
    """For one call of `work`. Below the database's limit for an idle transaction (60 s), which is below the group's
    poll interval (300 s)."""
    revoke_wait_s: float = 5.0
    """How long a rebalance waits for work under way on a partition that goes."""
    drain_s: float = 20.0
    """How long a stop waits for work under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _UnderWay:
    lane: Lane
    records: Sequence[Record]
    since_s: float
    outcome: Future[ports.Progress]


def end_process(record: Record) -> None:
    """Work that hangs can be neither stopped nor waited for, and holds locks: end the process at once.

    The note of its start remains, so a record that hangs each time is a dead letter after some such ends.
    """
    os._exit(EXIT_OVERRUN)


def _nobody(news: object) -> None:
    """Hears nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Who is told what, on the polling thread."""

    read: Callable[[Sequence[Record]], None] = _nobody
    """These were read: time to prepare them while `work` waits for a database. `work` may get them long after, or
    never."""
    assigned: ports.OnPartitions = _nobody
    """Partitions came. While this raises, nothing is handed over."""
    reset: ports.OnPartitions = _nobody
    """An offset lower than the expected one was read: the topic was recreated or cut. As `assigned`."""
    overrun: Callable[[Record], None] = end_process
    """Work on this record is beyond its deadline."""


class Loop:
    """See the module. Call `step` from one thread; `close` when done."""

    def __init__(
        self,
        *,
        connect: Callable[[], ports.Consumer],
        work: ports.Work,
        topics: Sequence[str] = (),
        pattern: str | None = None,
        gate: ports.Gate = ports.ALWAYS_OPEN,
        policy: LoopPolicy | None = None,
        due_s: lanes.DueS = lanes.due_at_once,
        tell: Listeners | None = None,
        hands: worker.Worker | None = None,
        time: clock.Clock = clock.SYSTEM,
    ) -> None:
        """`connect` makes the consumer, again after it broke."""
        self._work = work
        self._turnstile = Turnstile(gate, time=time)
        self._policy = policy or LoopPolicy()
        self._due_s = due_s
        self._tell = tell or Listeners()
        self._hands: worker.Worker = hands or worker.Thread("consume-work")
        self._time = time
        self._under_way: _UnderWay | None = None
        self._last_error = ""
        self._failed_at: datetime | None = None
        self._rewinds: list[str] = []
        self._owned = assignment.Assignment(
            connect=connect, topics=topics, pattern=pattern, before_leaving=self._before_leaving, time=time
        )

    def step(self) -> bool:
        """One round; waits at most about `idle_s`. Returns True: there is always more to do. Raises ClientBroken
        when the client broke; the next step makes another."""
        self._collect(wait_s=_SLICE_S)
        while self._rewinds:
            self._owned.rewind(self._rewinds[0])
            del self._rewinds[0]
        self._owned.announce(on_assign=self._tell.assigned, on_reset=self._tell.reset)
        self._start_next()
        if self._under_way is None:
            self._poll(timeout_s=self._patience_s())
        elif self._reads_ahead() or self._time.monotonic() - self._owned.polled_s >= _KEEP_ALIVE_S:
            self._poll(timeout_s=0.0)
        self._owned.adjust_pauses(closed=self._turnstile.is_shut)
        self._owned.commit_if_due(every_s=self._policy.commit_every_s)
        return True

    def _poll(self, *, timeout_s: float) -> None:
        self._tell.read(self._owned.poll(max_records=self._policy.poll_records, timeout_s=timeout_s))

    def rewind(self, topic: str) -> None:
        """With the next step, drop what was read of a topic and read what this member owns of it from the beginning."""
        if topic not in self._rewinds:
            self._rewinds.append(topic)

    def close(self) -> None:
        """Finish the work under way (at most `drain_s`), commit, leave the group."""
        self._collect(wait_s=self._policy.drain_s)
        if self._under_way is not None:
            log.warning("consume_drain_gave_up", **_coordinates(self._under_way.records[0]))
            self._under_way = None
        self._hands.stop()
        self._owned.leave()

    def facts(self) -> Mapping[str, object]:
        """For the heartbeat: partitions, backlog, what is under way, what waits and why."""
        now_s = self._time.monotonic()
        held = list(self._owned.lanes.values())
        waiting = [lane for lane in held if lane.pending and lane.wait_until_s > now_s]
        under_way = self._under_way
        return {
            "partitions": len(held),
            "held_records": sum(len(lane.pending) for lane in held),
            "waiting": {
                f"{lane.partition.topic}/{lane.partition.partition}": lane.waits_for
                for lane in waiting[:_WAITING_SHOWN_MAX]
            },
            **self._turnstile.facts(),
            **(_work_under_way(under_way, now_s) if under_way is not None else {}),
            **self._last_trouble(),
        }

    def _last_trouble(self) -> dict[str, object]:
        """What went wrong last and when, while it is not seen to work again."""
        if self._failed_at is not None:
            return {"last_error": self._last_error, "last_error_at": self._failed_at.isoformat(timespec="seconds")}
        trouble = self._owned.trouble
        if trouble is None:
            return {}
        return {"last_error": trouble.text, "last_error_at": trouble.at.isoformat(timespec="seconds")}

    def _before_leaving(self, partitions: ports.Partitions) -> None:
        """In a rebalance: wait a little for work under way on a partition that goes, so that it counts."""
        if self._under_way is not None and self._under_way.lane.partition in partitions:
            self._collect(wait_s=self._policy.revoke_wait_s)

    def _reads_ahead(self) -> bool:
        """Whether to fetch the next batch while one is under way: worth it when a batch empties what is held."""
        held = self._owned.lanes.values()
        records, size = sum(len(lane.pending) for lane in held), sum(lane.pending_bytes for lane in held)
        return records < 2 * self._policy.batch and size < lanes.BYTES_MAX // 2

    def _start_next(self) -> None:
        now_s = self._time.monotonic()
        ready = [lane for lane in self._owned.lanes.values() if lane.is_ready(now_s)]
        if self._under_way is not None:
            return
        size = min(self._turnstile.records(), self._policy.batch)
        for lane in ready if size else ():
            records = lane.batch(size=size, due_s=self._due_s)
            if not records:
                lane.wait(now_s + self._due_s(lane.pending[0]), "not due yet")
                continue
            self._owned.lanes[lane.partition] = self._owned.lanes.pop(lane.partition)  # to the end: they take turns
            outcome = self._hands.submit(functools.partial(self._work, records))
            self._under_way = _UnderWay(lane=lane, records=records, since_s=now_s, outcome=outcome)
            return

    def _collect(self, *, wait_s: float) -> None:
        """Take the result of the work under way, if it comes within `wait_s`."""
        under_way = self._under_way
        if under_way is None:
            return
        done, _ = futures.wait([under_way.outcome], timeout=wait_s)
        spent_s = self._time.monotonic() - under_way.since_s
        if done:
            self._under_way = None
            if not under_way.lane.gone:  # what was taken away meanwhile is somebody else's: forget the result
                self._settle(under_way.lane, under_way.outcome)
            self._turnstile.spent(spent_s)
        elif spent_s > self._policy.deadline_s:
            log.critical("work_overran", seconds=round(spent_s), **_coordinates(under_way.records[0]))
            self._tell.overrun(under_way.records[0])

    def _settle(self, lane: Lane, outcome: Future[ports.Progress]) -> None:
        error = outcome.exception()
        if isinstance(error, Exception):
            self._wait_after_failure(lane, error)
            return
        progress = outcome.result()  # raises what is no Exception: the process shall end
        lane.failures, self._failed_at = 0, None
        lane.finish(progress.done)
        if progress.wait_s > 0:
            lane.wait(self._time.monotonic() + progress.wait_s, progress.reason)

    def _wait_after_failure(self, lane: Lane, error: Exception) -> None:
        lane.failures += 1
        self._last_error = f"{type(error).__name__}: {error}"[:300]
        self._failed_at = self._time.now()
        wait_s = backoff.delay_s(
            attempt=lane.failures, base_s=FAILURE_BASE_S, cap_s=FAILURE_CAP_S, random=random.random
        )
        lane.wait(self._time.monotonic() + wait_s, self._last_error)
        topic, partition = lane.partition
        log.warning(
            "work_failed",
            topic=topic,
            partition=partition,
            failures=lane.failures,
            error=self._last_error,
            exc_info=error if lane.failures == 1 else None,
        )

    def _patience_s(self) -> float:
        """How long a poll may wait: at most until something that is held here may start."""
        now_s = self._time.monotonic()
        starts = [
            max(lane.wait_until_s, self._turnstile.waits_until_s) for lane in self._owned.lanes.values() if lane.pending
        ]
        return max(0.0, min([self._policy.idle_s, *(start_s - now_s for start_s in starts)]))


def _work_under_way(under_way: _UnderWay, now_s: float) -> dict[str, object]:
    first = under_way.records[0]
    return {
        "under_way_s": round(now_s - under_way.since_s, 1),
        "under_way": f"{first.topic}/{first.partition} @{first.offset}",
    }


def _coordinates(record: Record) -> dict[str, object]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
