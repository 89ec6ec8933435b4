"""The group consumer in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence

from reliability.kafka import ports
from reliability.kafka.memory.group import Group, Member
from reliability.kafka.memory.log import Log
from reliability.kernel.record import Record, TopicPartition


class MemoryConsumer:
    """See `ports.Consumer`."""

    def __init__(self, log: Log, group: Group, *, client_id: str = "memory", instance_id: str | None = None) -> None:
        self._identity = (client_id, instance_id)
        self._log = log
        self._group = group
        self._member: Member | None = None
        self._wanted: tuple[Sequence[str], str | None] = ((), None)
        self._callbacks: tuple[ports.OnPartitions | None, ...] = (None, None, None)
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._errors: deque[ports.PartitionError] = deque(maxlen=1_000)
        self._ids: dict[str, str] = {}

    def subscribe(
        self,
        *,
        topics: Sequence[str] = (),
        pattern: str | None = None,
        on_assign: ports.OnPartitions | None = None,
        on_revoke: ports.OnPartitions | None = None,
        on_lost: ports.OnPartitions | None = None,
    ) -> None:
        self._wanted = (topics, pattern)
        self._callbacks = (on_assign, on_revoke, on_lost)
        with self._log.changed:
            client_id, instance_id = self._identity
            self._member = self._group.join(topics, pattern, client_id=client_id, instance_id=instance_id)

    def poll(self, *, max_records: int, timeout_s: float) -> list[Record]:
        self._rebalance()
        with self._log.changed:
            records = self._fetch(max_records)
            if not records and timeout_s > 0:
                self._log.changed.wait(timeout_s)
                records = self._fetch(max_records)
            return records

    def errors(self) -> list[ports.PartitionError]:
        drained = list(self._errors)
        self._errors.clear()
        return drained

    def commit(self, offsets: Mapping[TopicPartition, int], *, wait: bool) -> None:
        with self._log.changed:
            refused = self._log.away or not set(offsets) <= self.assignment()
            if not refused:
                self._group.committed.update(offsets)
                return
        if wait:
            raise ports.Unavailable("the commit was not accepted")
        for topic, partition in offsets:
            self._note("commit", TopicPartition(topic, partition), "ILLEGAL_GENERATION")

    def pause(self, partitions: Collection[TopicPartition]) -> None:
        self._paused |= set(partitions) & self.assignment()

    def resume(self, partitions: Collection[TopicPartition]) -> None:
        self._paused -= set(partitions)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._positions[partition] = offset

    def assignment(self) -> ports.Partitions:
        return frozenset() if self._member is None else frozenset(self._member.owned)

    def close(self) -> None:
        member, self._member = self._member, None
        if member is None:
            return
        owned = frozenset(member.owned)
        self._member = member  # the callback may still commit
        self._tell(1, owned)
        self._member = None
        with self._log.changed:
            self._group.leave(member)
            self._log.changed.notify_all()

    def _rebalance(self) -> None:
        """Do what the group asks of this member, callbacks included."""
        if self._member is None or self._log.away:
            return
        if self._member.lost:
            gone = frozenset(self._positions)
            self._forget(gone)
            self._tell(2, gone)
            with self._log.changed:
                self._member.lost = False
        with self._log.changed:
            revoked, assigned = self._group.changes(self._member)
        if revoked:
            self._tell(1, frozenset(revoked))
            self._forget(frozenset(revoked))
            with self._log.changed:
                self._member.owned -= revoked
                self._log.changed.notify_all()
            for partition in revoked:
                if not self._log.exists(partition):
                    self._note("fetch", partition, "UNKNOWN_TOPIC_OR_PART")
        if assigned:
            with self._log.changed:
                self._member.owned |= assigned
                for partition in assigned:
                    start = self._log.start(partition) or 0
                    self._positions[partition] = self._group.committed.get(partition, start)
                    self._ids[partition.topic] = self._log.topics[partition.topic].id
            self._tell(0, frozenset(assigned))

    def _fetch(self, max_records: int) -> list[Record]:
        records: list[Record] = []
        if self._log.away:
            return records
        for partition in sorted(self.assignment() - self._paused):
            if not self._log.exists(partition) or len(records) >= max_records:
                continue
            self._reset_if_out_of_range(partition)
            found = self._log.read(partition, self._positions[partition], max_records - len(records))
            if found:
                self._positions[partition] = found[-1].offset + 1
                records += found
        return records

    def _reset_if_out_of_range(self, partition: TopicPartition) -> None:
        topic = self._log.topics[partition.topic]
        start, end = self._log.start(partition) or 0, self._log.end(partition) or 0
        if topic.id != self._ids.get(partition.topic) or not start <= self._positions[partition] <= end:
            self._positions[partition] = start
            self._ids[partition.topic] = topic.id

    def _forget(self, partitions: ports.Partitions) -> None:
        self._paused -= partitions
        for partition in partitions:
            self._positions.pop(partition, None)

    def _tell(self, which: int, partitions: ports.Partitions) -> None:
        callback = self._callbacks[which]
        if callback is not None and partitions:
            callback(partitions)

    def _note(self, kind: str, partition: TopicPartition, code: str) -> None:
        self._errors.append(
            ports.PartitionError(
                kind=kind, topic=partition.topic, partition=partition.partition, code=code, message=code
            )
        )
