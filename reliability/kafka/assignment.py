"""The Kafka side of a consume loop: its consumer, the partitions it owns, what was read and what is committed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from reliability.kafka import lanes, ports
from reliability.kafka.lanes import Lane
from reliability.kernel import clock
from reliability.kernel.record import Record, TopicPartition

log = structlog.get_logger(__name__)

ERROR_LOGGED_EVERY_S = 30.0
COMMIT_QUIET_S = 5.0  # a refused commit is told by then: a later one of which nothing was heard so long was taken
_NAMED_MAX = 20  # a log line does not list hundreds of partitions


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """The last thing the client complained of, until what failed is seen to work again."""

    kind: str
    topic: str
    text: str
    at: datetime


class Assignment:
    """Joins the group when it is first polled, and again after its consumer broke. For one thread.

    `before_leaving` is called in a rebalance with the partitions that go, while they are still ours.
    """

    def __init__(
        self,
        *,
        connect: Callable[[], ports.Consumer],
        topics: Sequence[str],
        pattern: str | None,
        before_leaving: ports.OnPartitions,
        time: clock.Clock,
    ) -> None:
        self.lanes: dict[TopicPartition, Lane] = {}
        self.trouble: Trouble | None = None
        self.polled_s = self._committed_s = time.monotonic()
        self._connect = connect
        self._topics, self._pattern = topics, pattern
        self._before_leaving = before_leaving
        self._time = time
        self._consumer: ports.Consumer | None = None
        self._new: set[TopicPartition] = set()
        self._anew: set[TopicPartition] = set()
        self._commit_open_s: float | None = None
        self._logged_s: dict[tuple[str, str, str], float] = {}

    def poll(self, *, max_records: int, timeout_s: float) -> Sequence[Record]:
        """Serve the group, put what is read into the lanes, return it. Raises ClientBroken, its consumer dropped."""
        consumer = self._consumer or self._join()
        self.polled_s = self._time.monotonic()
        try:
            records = consumer.poll(max_records=max_records, timeout_s=timeout_s)
        except ports.ClientBroken:
            self._forget(frozenset(self.lanes))
            self._consumer = None
            consumer.close()
            raise
        self._see_that_it_reads(records)
        for record in records:
            lane = self.lanes.get(record.topic_partition)
            if lane is not None and not lane.receive(record):
                self._anew.add(lane.partition)
        self._hear_errors(consumer)
        return records

    def announce(self, *, on_assign: ports.OnPartitions, on_reset: ports.OnPartitions) -> None:
        """Tell who wants to know of new partitions and of logs that began anew; again next time if that raises."""
        if self._new:
            on_assign(frozenset(self._new))
            self._new.clear()
        if self._anew:
            log.warning("offsets_began_anew", partitions=_names(self._anew))
            on_reset(frozenset(self._anew))
            self._anew.clear()

    def adjust_pauses(self, *, closed: bool) -> None:
        """Pause what need not be read for now, resume the others. `closed`: nothing need be read."""
        if self._consumer is None:
            return
        now_s = self._time.monotonic()
        pause: list[Lane] = []
        resume: list[Lane] = []
        for lane in self.lanes.values():
            wanted = closed or lane.should_pause(now_s)
            if wanted != lane.paused:
                (pause if wanted else resume).append(lane)
                lane.paused = wanted
        if pause:
            self._consumer.pause([lane.partition for lane in pause])
        if resume:
            self._consumer.resume([lane.partition for lane in resume])

    def commit_if_due(self, *, every_s: float) -> None:
        """Hand finished positions to the group, not more often than that."""
        now_s = self._time.monotonic()
        if now_s - self._committed_s >= every_s:
            self._committed_s = now_s
            self._commit(self.lanes.values(), wait=False)
        if self._commit_open_s is not None and now_s - self._commit_open_s >= COMMIT_QUIET_S:
            self._see_that_it_commits()

    def rewind(self, topic: str) -> None:
        """Read a topic's partitions from their beginnings; work under way there is forgotten. Raises Unavailable."""
        for partition, lane in list(self.lanes.items()):
            if partition.topic == topic and self._consumer is not None:
                self._consumer.seek(partition, 0)  # a log that starts later is read from where it starts
                lane.gone = True
                self.lanes[partition] = Lane(partition, paused=lane.paused)

    def leave(self) -> None:
        """Commit what is finished, leave the group. The next `poll` joins again."""
        consumer = self._consumer
        if consumer is None:
            return
        self._commit(self.lanes.values(), wait=True)
        self._forget(frozenset(self.lanes))
        self._consumer = None
        consumer.close()

    def _join(self) -> ports.Consumer:
        consumer = self._connect()
        consumer.subscribe(
            topics=self._topics,
            pattern=self._pattern,
            on_assign=self._assigned,
            on_revoke=self._revoked,
            on_lost=self._forget,
        )
        self._consumer = consumer
        return consumer

    def _assigned(self, partitions: ports.Partitions) -> None:
        for partition in sorted(partitions):
            self.lanes[partition] = Lane(partition)
        self._new |= partitions
        log.info("partitions_assigned", partitions=_names(partitions), count=len(partitions))

    def _revoked(self, partitions: ports.Partitions) -> None:
        self._before_leaving(partitions)
        self._commit([self.lanes[p] for p in partitions if p in self.lanes], wait=True)
        self._forget(partitions)

    def _forget(self, partitions: ports.Partitions) -> None:
        for partition in partitions:
            lane = self.lanes.pop(partition, None)
            if lane is not None:
                lane.gone = True
        self._new -= partitions
        self._anew -= partitions
        log.info("partitions_gone", partitions=_names(partitions), count=len(partitions))

    def _commit(self, chosen: Iterable[Lane], *, wait: bool) -> None:
        positions = lanes.dirty(chosen)
        if not positions or self._consumer is None:
            return
        try:
            self._consumer.commit(positions, wait=wait)
        except ports.Unavailable as error:
            # Not lost: the records are done, and whoever reads them again finds them so.
            self._commit_open_s = None
            self._log_error("commit", "", "UNAVAILABLE", str(error))
            return
        for partition, position in positions.items():
            self.lanes[partition].committed = position
        if wait:
            self._see_that_it_commits()
        elif self._commit_open_s is None:
            self._commit_open_s = self._time.monotonic()

    def _hear_errors(self, consumer: ports.Consumer) -> None:
        for error in consumer.errors():
            self._log_error(error.kind, error.topic, error.code, error.message)
            lane = self.lanes.get(TopicPartition(error.topic, error.partition))
            if error.kind == "commit":
                self._commit_open_s = None
                if lane is not None:
                    lane.committed = None

    def _see_that_it_reads(self, records: Sequence[Record]) -> None:
        """Records came: the connection works again, and so do their topics."""
        trouble = self.trouble
        if trouble is None or trouble.kind == "commit" or not records:
            return
        if not trouble.topic or any(record.topic == trouble.topic for record in records):
            self.trouble = None

    def _see_that_it_commits(self) -> None:
        """A commit was taken, or sent long enough ago without a word of its refusal."""
        self._commit_open_s = None
        if self.trouble is not None and self.trouble.kind == "commit":
            self.trouble = None

    def _log_error(self, kind: str, topic: str, code: str, message: str) -> None:
        text = f"{kind} {topic} {code}: {message}"[:300]
        self.trouble = Trouble(kind=kind, topic=topic, text=text, at=self._time.now())
        now_s = self._time.monotonic()
        key = (kind, topic, code)
        if now_s - self._logged_s.get(key, -ERROR_LOGGED_EVERY_S) >= ERROR_LOGGED_EVERY_S:
            self._logged_s[key] = now_s
            log.warning("consume_error", kind=kind, topic=topic, code=code, error=message[:300])


def _names(partitions: Collection[TopicPartition]) -> list[str]:
    return [f"{topic}/{number}" for topic, number in sorted(partitions)[:_NAMED_MAX]]
