"""Kafka's entrance: records of dead-letter topics are stored, then their offsets are committed."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import structlog
from django.db import InterfaceError, OperationalError, connection, connections

from dlq.operations import ingest, sources
from dlq.queries import sources as known
from reliability.kafka import clusters, loop, ports, worker
from reliability.kernel import clock
from reliability.kernel.record import Record, TopicPartition
from reliability.kernel.telemetry import tracing

log = structlog.get_logger(__name__)

BATCH = 1_000  # records of one transaction: the cost of a commit is spread, a failed batch repeats little
RATE_WINDOW_S = 30.0
FLOOD_LOOK_S = 1.0  # how often a topic's id is asked while full batches flow; else with every batch
LOOK_S = 5.0  # how often the ids of all topics are asked
STORED_WITHIN_S = 5.0  # how long the polling thread waits for a batch that outlived its assignment
LOOK_ANSWER_S = 2.0  # how long the polling thread may wait for them
LINKS_MAX = 32  # traces one span is linked to; the first records of a batch stand for the rest
UNNAMED = "unnamed"  # the id of a topic whose broker has no ids: a recreated topic cannot be told apart there


class Letters:
    """Reads the dead-letter topics of one cluster. Nothing is skipped: what cannot be stored is read again."""

    def __init__(
        self, *, cluster: str = clusters.MAIN, pattern: str | None = None, time: clock.Clock = clock.SYSTEM
    ) -> None:
        self._cluster = cluster
        self._time = time
        self._group = known.reader_group()
        self._ids: dict[TopicPartition, str] = {}
        self._next_ids: dict[TopicPartition, str] = {}
        self._done: dict[TopicPartition, int] = {}
        self._recent: deque[tuple[float, int]] = deque()
        self._last_stored: datetime | None = None
        self._stored = 0
        self._asked_s: dict[str, float] = {}
        self._looked_s = time.monotonic()
        self._knowing = threading.Lock()  # held while what is known of topics changes, or is relied on
        self._ahead = ingest.Ahead()
        self._loop = loop.Loop(
            connect=self._connect,
            work=self.store,
            pattern=pattern or known.topic_pattern(),
            policy=loop.LoopPolicy(batch=BATCH, poll_records=BATCH),
            tell=loop.Listeners(read=self._ahead.read, assigned=self._came, reset=self._fell),
            hands=worker.Thread("letters-store", at_exit=connections.close_all),
            time=time,
        )

    def step(self) -> bool:
        """One round; waits at most about half a second."""
        self._look()
        return self._loop.step()

    def close(self) -> None:
        """Finish the batch at hand, commit, leave the group."""
        self._loop.close()

    def facts(self) -> Mapping[str, object]:
        """For the heartbeat: letters per second, in all since the start, and when the last one was stored."""
        since_s = self._time.monotonic() - RATE_WINDOW_S
        while self._recent and self._recent[0][0] < since_s:
            self._recent.popleft()
        return {
            "cluster": self._cluster,
            "letters_per_second": round(sum(count for _, count in self._recent) / RATE_WINDOW_S, 1),
            "letters_stored": self._stored,
            "last_stored": self._last_stored.isoformat() if self._last_stored else None,
            **self._loop.facts(),
        }

    def store(self, records: Sequence[Record]) -> ports.Progress:
        """Store records of one partition, their offsets ascending, in one transaction."""
        partition = records[0].topic_partition
        with self._knowing:
            if records[0].offset <= self._done.get(partition, -1) and partition in self._next_ids:
                self._ids[partition] = self._next_ids.pop(partition)
            elif self._was_recreated(partition, is_flood=len(records) >= BATCH):
                self._read_anew(partition.topic)
                return ports.Progress(done=0)
            now = self._time.now()
            with tracing.span(
                "letters store", attributes={"messaging.batch.message_count": len(records)}, links=_links(records)
            ):
                stored = self._stored_or_raised(records, topic_ids={partition.topic: self._ids[partition]}, now=now)
            self._done[partition] = records[-1].offset
        self._count(stored.letters, now=now)
        return ports.Progress(done=len(records))

    def _stored_or_raised(
        self, records: Sequence[Record], *, topic_ids: Mapping[str, str], now: datetime
    ) -> ingest.Stored:
        try:
            return ingest.store(records, cluster=self._cluster, topic_ids=topic_ids, now=now, ahead=self._ahead)
        except (OperationalError, InterfaceError):
            connection.close_if_unusable_or_obsolete()  # the next try starts with a connection that works
            raise

    def _count(self, letters: int, *, now: datetime) -> None:
        if letters:
            self._recent.append((self._time.monotonic(), letters))
            self._stored += letters
            self._last_stored = now

    def _was_recreated(self, partition: TopicPartition, *, is_flood: bool) -> bool:
        """Whether these records may be of another incarnation than the one we know, without an offset that shows it.

        A record is stored under an id only if the topic had it before and after it was read. Not so for a flood's full
        batches, of which few are asked for: what they store of a new incarnation under the old id in that time is
        stored again under its own.
        """
        now_s = self._time.monotonic()
        is_first = partition not in self._done
        if is_flood and not is_first and now_s - self._asked_s.get(partition.topic, now_s) < FLOOD_LOOK_S:
            return False
        self._asked_s[partition.topic] = now_s
        current = clusters.admin(self._cluster).topic_id(partition.topic)
        return current is not None and current not in self._known(partition)

    def _look(self) -> None:
        """Notice topics that were recreated and show it by no record: they are as long as they were, or shorter.

        On the polling thread, so it does not wait for a batch that is being stored: that one asks for its own topic.
        """
        if self._time.monotonic() - self._looked_s < LOOK_S or not self._knowing.acquire(blocking=False):
            return
        try:
            self._looked_s = self._time.monotonic()
            topics = {partition.topic for partition in self._ids}
            current = clusters.admin(self._cluster, answer_s=LOOK_ANSWER_S).topic_ids(topics)
            new = {
                each.topic for each in self._ids if current.get(each.topic, self._ids[each]) not in self._known(each)
            }
            for topic in sorted(new):
                self._read_anew(topic)
        except ports.Unavailable as unavailable:
            log.info("topic_ids_not_told", cluster=self._cluster, error=str(unavailable))
        finally:
            self._knowing.release()

    def _known(self, partition: TopicPartition) -> tuple[str | None, ...]:
        return self._ids[partition], self._next_ids.get(partition)

    def _read_anew(self, topic: str) -> None:
        """Another topic of that name is there: forget what was read and not stored, and read it from its beginning."""
        self._assigned(frozenset(each for each in self._ids if each.topic == topic))
        self._loop.rewind(topic)

    def _connect(self) -> ports.Consumer:
        return clusters.consumer(self._cluster, group=self._group, client_id=self._group)

    def _came(self, partitions: ports.Partitions) -> None:
        with self._nothing_stored():
            self._assigned(partitions)

    def _fell(self, partitions: ports.Partitions) -> None:
        with self._nothing_stored():
            self._reset(partitions)

    @contextlib.contextmanager
    def _nothing_stored(self) -> Iterator[None]:
        """While no batch is being stored: one of a partition that went and came again would note where it was."""
        if not self._knowing.acquire(timeout=STORED_WITHIN_S):
            raise ports.Unavailable("a batch of an earlier assignment is still being stored")
        try:
            yield
        finally:
            self._knowing.release()

    def _assigned(self, partitions: ports.Partitions) -> None:
        """Before the first record of these partitions is stored: learn which incarnation of their topics it is."""
        ids, recreated = self._ask(partitions)
        for topic in recreated:  # what the group has committed may be of the old one
            self._loop.rewind(topic)
        for partition in partitions:
            self._ids[partition] = ids[partition.topic]
            self._next_ids.pop(partition, None)
            self._done.pop(partition, None)

    def _reset(self, partitions: ports.Partitions) -> None:
        """The log began anew: records up to that place are of the topic's old incarnation, those after of the new."""
        ids, _ = self._ask(partitions)
        self._next_ids.update({partition: ids[partition.topic] for partition in partitions})

    def _ask(self, partitions: ports.Partitions) -> tuple[dict[str, str], list[str]]:
        """Ids of these partitions' topics, and which are others than those we read before."""
        admin = clusters.admin(self._cluster)
        ids = {topic: admin.topic_id(topic) or UNNAMED for topic in sorted({each.topic for each in partitions})}
        try:
            recreated = sources.met(cluster=self._cluster, topic_ids=ids, now=self._time.now())
        except (OperationalError, InterfaceError):
            connection.close_if_unusable_or_obsolete()
            raise
        for topic in recreated:
            log.warning("dead_letter_topic_recreated", topic=topic, cluster=self._cluster)
        return ids, recreated


def _links(records: Sequence[Record]) -> Sequence[Sequence[tuple[str, bytes | None]]]:
    return [record.headers for record in records[:LINKS_MAX]] if tracing.exports() else ()
