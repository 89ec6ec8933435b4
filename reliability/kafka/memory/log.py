"""Topics and their records in memory."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reliability.kafka import ports
from reliability.kernel import clock, murmur
from reliability.kernel.record import Header, Record, TopicPartition

UNKNOWN_TOPIC = ports.DeliveryError(code="UNKNOWN_TOPIC_OR_PART", message="unknown topic or partition", permanent=True)
TOO_LARGE = ports.DeliveryError(code="MSG_SIZE_TOO_LARGE", message="the record is too large", permanent=True)
AWAY = ports.DeliveryError(code="_TRANSPORT", message="the broker is away", permanent=False)


@dataclass(slots=True)
class Topic:
    """One incarnation of a topic; `id` tells it from one that is created later under its name."""

    id: str
    partitions: list[list[Record]]
    start_offsets: list[int] = field(default_factory=list)


class Log:
    """All topics. `changed` is notified on every write, so that consumers may wait for one."""

    def __init__(self, *, record_bytes_max: int, time: clock.Clock) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.topics: dict[str, Topic] = {}
        self.away = False
        self.refusals: dict[str, ports.DeliveryError] = {}
        self.record_bytes_max = record_bytes_max
        self._time = time
        self._ids = itertools.count(1)
        self._round_robin = itertools.count()

    def require(self) -> None:
        """Raise Unavailable while the broker plays dead."""
        if self.away:
            raise ports.Unavailable("the broker is away")

    def create(self, partitions: Mapping[str, int]) -> None:
        """Create the topics that do not exist yet."""
        with self.changed:
            for name, count in partitions.items():
                if name not in self.topics:
                    self.topics[name] = Topic(
                        id=f"memory-{next(self._ids)}",
                        partitions=[[] for _ in range(count)],
                        start_offsets=[0] * count,
                    )
            self.changed.notify_all()

    def delete(self, topic: str) -> None:
        """Drop a topic with its records."""
        with self.changed:
            self.topics.pop(topic, None)
            self.changed.notify_all()

    def append(
        self,
        *,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header],
        partition: int | None,
        timestamp_ms: int | None,
    ) -> ports.Delivery:
        """Write a record, or answer why not."""
        with self.changed:
            refusal = self._refusal(topic, key, value, partition)
            if refusal is not None:
                at = -1 if partition is None else partition
                return ports.Delivery(topic=topic, partition=at, offset=-1, error=refusal)
            chosen = self._partition(topic, key) if partition is None else partition
            at = self.end(TopicPartition(topic, chosen)) or 0
            self.topics[topic].partitions[chosen].append(
                Record(
                    topic=topic,
                    partition=chosen,
                    offset=at,
                    key=key,
                    value=value,
                    headers=tuple(headers),
                    timestamp_ms=int(self._time.now().timestamp() * 1000) if timestamp_ms is None else timestamp_ms,
                )
            )
            self.changed.notify_all()
            return ports.Delivery(topic=topic, partition=chosen, offset=at)

    def put(self, record: Record) -> None:
        """Write a record exactly as given, offset included: for records no producer could make."""
        with self.changed:
            self.topics[record.topic].partitions[record.partition].append(record)
            self.changed.notify_all()

    def expire(self, partition: TopicPartition, before_offset: int) -> None:
        """Drop the records below an offset, as retention does."""
        with self.changed:
            topic = self.topics[partition.topic]
            kept = [r for r in topic.partitions[partition.partition] if r.offset >= before_offset]
            topic.partitions[partition.partition] = kept
            topic.start_offsets[partition.partition] = before_offset

    def exists(self, partition: TopicPartition) -> bool:
        """Whether there is such a partition."""
        topic = self.topics.get(partition.topic)
        return topic is not None and 0 <= partition.partition < len(topic.partitions)

    def start(self, partition: TopicPartition) -> int | None:
        """The oldest offset kept."""
        if not self.exists(partition):
            return None
        return self.topics[partition.topic].start_offsets[partition.partition]

    def end(self, partition: TopicPartition) -> int | None:
        """The next offset to be written."""
        if not self.exists(partition):
            return None
        records = self.topics[partition.topic].partitions[partition.partition]
        return records[-1].offset + 1 if records else self.start(partition)

    def read(self, partition: TopicPartition, offset: int, max_records: int) -> list[Record]:
        """Records from `offset` on."""
        records = self.topics[partition.topic].partitions[partition.partition]
        found = (record for record in records if record.offset >= offset)
        return list(itertools.islice(found, max_records))

    def _refusal(
        self, topic: str, key: bytes | None, value: bytes | None, partition: int | None
    ) -> ports.DeliveryError | None:
        if self.away:
            return AWAY
        if topic in self.refusals:
            return self.refusals[topic]
        if len(key or b"") + len(value or b"") > self.record_bytes_max:
            return TOO_LARGE
        if not self.exists(TopicPartition(topic, 0 if partition is None else partition)):
            return UNKNOWN_TOPIC
        return None

    def _partition(self, topic: str, key: bytes | None) -> int:
        count = len(self.topics[topic].partitions)
        return next(self._round_robin) % count if key is None else murmur.partition_for(key, count)
