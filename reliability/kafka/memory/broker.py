"""The in-memory broker and its producer, reader and admin."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial

from reliability.kafka import group_names, ports
from reliability.kafka.memory.consumer import MemoryConsumer
from reliability.kafka.memory.group import Group
from reliability.kafka.memory.group_admin import MemoryGroupAdmin
from reliability.kafka.memory.log import AWAY, Log
from reliability.kafka.memory.play import Play
from reliability.kernel import clock
from reliability.kernel.record import Header, Outgoing, Record, TopicPartition

_RECORD_BYTES_MAX = 12 * 1024 * 1024
_BUFFERED_MAX = 100_000


class MemoryBroker:
    """Makes clients that share its topics. A test may also play faults: see the methods."""

    def __init__(
        self,
        *,
        time: clock.Clock = clock.SYSTEM,
        record_bytes_max: int = _RECORD_BYTES_MAX,
        buffered_max: int = _BUFFERED_MAX,
    ) -> None:
        self.log = Log(record_bytes_max=record_bytes_max, time=time)
        self.group_states: dict[str, Group] = {}
        self.play = Play()
        self.record_bytes_max = record_bytes_max
        self._buffered_max = buffered_max

    def producer(self) -> ports.Producer:
        """A producer on this broker."""
        return MemoryProducer(self.log, buffered_max=self._buffered_max)

    def consumer(self, *, group: str, client_id: str = "memory", instance_id: str | None = None) -> ports.Consumer:
        """A member-to-be of a group on this broker."""
        if wrong := group_names.unaskable(group):
            raise ValueError(f"The consumer group's name {group!r} {wrong}.")
        return MemoryConsumer(self.log, self.group(group), client_id=client_id, instance_id=instance_id)

    def reader(self) -> ports.Reader:
        """A reader on this broker."""
        return MemoryReader(self.log)

    def admin(self) -> ports.Admin:
        """An admin of this broker."""
        return MemoryAdmin(self)

    def group_admin(self) -> ports.GroupAdmin:
        """A group admin of this broker; `play` sets what it tells beside what is there."""
        return MemoryGroupAdmin(log=self.log, groups=self.group_states, play=self.play)

    def group(self, name: str) -> Group:
        """A group's state, made when it is first asked for."""
        with self.log.changed:
            return self.group_states.setdefault(name, Group(self.log))

    def go_away(self) -> None:
        """Answer nothing until `come_back`."""
        self.log.away = True

    def come_back(self) -> None:
        """Answer again."""
        with self.log.changed:
            self.log.away = False
            self.log.changed.notify_all()

    def refuse(self, topic: str, error: ports.DeliveryError | None) -> None:
        """Refuse every record for a topic with this error; None ends it."""
        if error is None:
            self.log.refusals.pop(topic, None)
        else:
            self.log.refusals[topic] = error

    def take_away(self, group: str) -> None:
        """Give the partitions of every member away without asking, as after a missed session."""
        with self.log.changed:
            for member in self.group(group).members:
                member.lost = True
                member.owned.clear()

    def records(self, topic: str) -> list[Record]:
        """Everything in a topic, partition by partition."""
        return [record for partition in self.log.topics[topic].partitions for record in partition]


class MemoryProducer:
    """See `ports.Producer`."""

    def __init__(self, log: Log, *, buffered_max: int) -> None:
        self._log = log
        self._buffered_max = buffered_max
        self._waiting: deque[tuple[Callable[[], ports.Delivery], Callable[[ports.Delivery], None] | None]] = deque()

    def produce(
        self,
        *,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header] = (),
        partition: int | None = None,
        timestamp_ms: int | None = None,
        on_delivery: Callable[[ports.Delivery], None] | None = None,
    ) -> None:
        if len(self._waiting) >= self._buffered_max:
            raise ports.BufferFull("the queue is full")
        for name, _ in headers:
            _refuse_unspeakable(name)

        def write() -> ports.Delivery:
            return self._log.append(
                topic=topic, key=key, value=value, headers=headers, partition=partition, timestamp_ms=timestamp_ms
            )

        self._waiting.append((write, on_delivery))

    def produce_many(self, records: Sequence[Outgoing], *, start: int, on_answer: ports.OnAnswer) -> int:
        def told(place: int, delivery: ports.Delivery) -> None:
            on_answer(place, delivery.offset, delivery.error)

        for place in range(start, len(records)):
            try:
                self.produce(**records[place]._asdict(), on_delivery=partial(told, place))
            except (ports.BufferFull, ports.Rejected):
                return place
        return len(records)

    def poll(self, timeout_s: float = 0.0) -> int:
        told = 0
        while self._waiting and not self._log.away:
            write, on_delivery = self._waiting.popleft()
            delivery = write()
            if on_delivery is not None:
                on_delivery(delivery)
                told += 1
        return told

    def flush(self, timeout_s: float) -> int:
        self.poll(timeout_s)
        return len(self._waiting)

    def close(self, timeout_s: float = 10.0) -> int:
        left = self.flush(timeout_s)
        while self._waiting:
            _, on_delivery = self._waiting.popleft()
            if on_delivery is not None:
                on_delivery(ports.Delivery(topic="", partition=-1, offset=-1, error=AWAY))
        return left


class MemoryReader:
    """See `ports.Reader`."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def read(
        self, partition: TopicPartition, start_offset: int, end_offset: int, *, deadline_s: float
    ) -> Iterator[Record]:
        if start_offset >= end_offset:
            return
        start, end = self._log.start(partition), self._log.end(partition)
        if self._log.away or start is None or end is None or start_offset < start or end_offset > end:
            raise ports.Unreadable(f"{partition}: {start_offset} to {end_offset} of {start} to {end}")
        yield from (r for r in self._log.read(partition, start_offset, end_offset) if r.offset < end_offset)

    def close(self) -> None:
        return None


class MemoryAdmin:
    """See `ports.Admin`."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._log = broker.log

    def topics(self) -> dict[str, int]:
        self._log.require()
        return {name: len(topic.partitions) for name, topic in self._log.topics.items()}

    def partition_count(self, topic: str) -> int | None:
        return self.topics().get(topic)

    def brokers(self) -> list[str]:
        self._log.require()
        return []

    def record_limits(self) -> dict[str, int]:
        return dict.fromkeys(["", *self.topics()], self._broker.record_bytes_max)

    def topic_ids(self, topics: Collection[str]) -> dict[str, str]:
        self._log.require()
        return {topic: self._log.topics[topic].id for topic in topics if topic in self._log.topics}

    def topic_id(self, topic: str) -> str | None:
        return self.topic_ids([topic]).get(topic)

    def create_topics(self, partitions: Mapping[str, int]) -> dict[str, ports.DeliveryError | None]:
        self._log.require()
        self._log.create(partitions)
        return dict.fromkeys(partitions)

    def delete_topic(self, topic: str) -> ports.DeliveryError | None:
        self._log.require()
        self._log.delete(topic)
        for group in self._broker.group_states.values():
            group.forget_missing()
        return None

    def end_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        self._log.require()
        return {p: end for p in partitions if (end := self._log.end(p)) is not None}

    def start_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        self._log.require()
        return {p: start for p in partitions if (start := self._log.start(p)) is not None}

    def committed(self, group: str, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int | None]:
        self._log.require()
        if partitions and (wrong := group_names.unaskable(group)):
            raise ports.Unavailable(f"offsets of group {group!r}: the name {wrong}")
        return {p: self._broker.group(group).committed.get(p) for p in partitions}

    def group_offsets(self, group: str) -> dict[TopicPartition, int]:
        self._log.require()
        return dict(self._broker.group(group).committed)

    def groups(self) -> list[ports.GroupInfo]:
        self._log.require()
        return [
            ports.GroupInfo(name=name, state="stable" if group.members else "empty")
            for name, group in sorted(self._broker.group_states.items())
        ]


def _refuse_unspeakable(name: str) -> None:
    try:
        if "\0" in name:
            raise ValueError("a NUL in a header name")
        name.encode()
    except ValueError as error:  # UnicodeEncodeError is one
        refusal = ports.DeliveryError(code="_INVALID_ARG", message=str(error), permanent=True)
        raise ports.Rejected(refusal) from error
