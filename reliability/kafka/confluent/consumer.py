"""The group consumer on librdkafka."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException

from reliability.kafka import group_names, ports
from reliability.kafka.confluent import messages, noise, settings, verdicts
from reliability.kernel.record import Record, TopicPartition

_ERRORS_KEPT_MAX = 1_000


class Consumer:
    """See `ports.Consumer`. For one thread. Raises ValueError for a group's name that no client may be given."""

    def __init__(
        self,
        profile: settings.Settings,
        *,
        client_id: str,
        group: str,
        instance_id: str | None = None,
        extra: settings.Settings | None = None,
    ) -> None:
        if wrong := group_names.unaskable(group):
            raise ValueError(f"The consumer group's name {group!r} {wrong}.")
        self._errors: deque[ports.PartitionError] = deque(maxlen=_ERRORS_KEPT_MAX)
        wanted = settings.consumer(
            profile, client_id=client_id, group=group, instance_id=instance_id, settings=extra or {}
        )
        self._client = confluent_kafka.Consumer(
            {**wanted, "on_commit": self._committed, "error_cb": self._failed}, logger=noise.Throttled(client_id)
        )
        self._broken: KafkaError | None = None
        self._closed = False

    def subscribe(
        self,
        *,
        topics: Sequence[str] = (),
        pattern: str | None = None,
        on_assign: ports.OnPartitions | None = None,
        on_revoke: ports.OnPartitions | None = None,
        on_lost: ports.OnPartitions | None = None,
    ) -> None:
        wanted = [*topics, *([f"^({pattern})$"] if pattern else [])]

        def assigned(client: confluent_kafka.Consumer, partitions: list[confluent_kafka.TopicPartition]) -> None:
            client.incremental_assign(partitions)
            _tell(on_assign, partitions)

        def revoked(client: confluent_kafka.Consumer, partitions: list[confluent_kafka.TopicPartition]) -> None:
            _tell(on_revoke, partitions)
            client.incremental_unassign(partitions)

        def lost(client: confluent_kafka.Consumer, partitions: list[confluent_kafka.TopicPartition]) -> None:
            _tell(on_lost, partitions)
            client.incremental_unassign(partitions)

        self._client.subscribe(wanted, on_assign=assigned, on_revoke=revoked, on_lost=lost)

    def poll(self, *, max_records: int, timeout_s: float) -> list[Record]:
        # One `consume` would wait its whole time-out for a full batch; so: wait for the first, then take what is there.
        first = self._client.poll(timeout_s)
        if first is None:
            self._raise_if_broken()
            return []
        rest = self._client.consume(max_records - 1, 0.0) if max_records > 1 else []
        records = []
        for message in (first, *rest):
            error = message.error()
            if error is None:
                records.append(messages.record(message))
            elif not _is_idle_pattern(error, message.topic()):
                self._note("fetch", error, message.topic(), message.partition())
        if not records:
            self._raise_if_broken()
        return records

    def errors(self) -> list[ports.PartitionError]:
        drained = list(self._errors)
        self._errors.clear()
        return drained

    def commit(self, offsets: Mapping[TopicPartition, int], *, wait: bool) -> None:
        if not offsets:
            return
        wanted = [
            confluent_kafka.TopicPartition(topic, partition, offset) for (topic, partition), offset in offsets.items()
        ]
        with verdicts.answered("commit"):
            if not wait:
                self._client.commit(offsets=wanted, asynchronous=True)
                return
            answers = self._client.commit(offsets=wanted, asynchronous=False)
            for answer in answers:
                if answer.error is not None:
                    raise KafkaException(answer.error)

    def pause(self, partitions: Collection[TopicPartition]) -> None:
        owned = self._owned(partitions)
        if owned:
            self._client.pause(owned)

    def resume(self, partitions: Collection[TopicPartition]) -> None:
        owned = self._owned(partitions)
        if owned:
            self._client.resume(owned)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        with verdicts.answered("seek"):
            self._client.seek(confluent_kafka.TopicPartition(partition.topic, partition.partition, offset))

    def assignment(self) -> ports.Partitions:
        return frozenset(TopicPartition(owned.topic, owned.partition) for owned in self._client.assignment())

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._client.close()

    def _owned(self, partitions: Collection[TopicPartition]) -> list[confluent_kafka.TopicPartition]:
        if not partitions:
            return []
        owned = self.assignment()
        return [
            confluent_kafka.TopicPartition(topic, partition)
            for topic, partition in partitions
            if TopicPartition(topic, partition) in owned
        ]

    def _committed(self, error: KafkaError | None, partitions: list[confluent_kafka.TopicPartition]) -> None:
        for partition in partitions:
            refusal = partition.error or error
            if refusal is not None and refusal.code() != KafkaError._NO_OFFSET:
                self._note("commit", refusal, partition.topic, partition.partition)

    def _failed(self, error: KafkaError) -> None:
        self._note("client", error, None, None)

    def _note(self, kind: str, error: KafkaError, topic: str | None, partition: int | None) -> None:
        if error.fatal() or error.code() == KafkaError._FATAL:
            self._broken = error
        self._errors.append(verdicts.partition_error(kind, error, topic, partition))

    def _raise_if_broken(self) -> None:
        if self._broken is not None:
            raise ports.ClientBroken(self._broken.str())


def _is_idle_pattern(error: KafkaError, topic: str | None) -> bool:
    """Whether it only says that no topic matches a pattern yet: that is no error, topics come later."""
    return error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART and (topic or "").startswith("^")


def _tell(callback: ports.OnPartitions | None, partitions: list[confluent_kafka.TopicPartition]) -> None:
    if callback is not None and partitions:  # a rebalance that changes nothing for us is no news
        callback(frozenset(TopicPartition(partition.topic, partition.partition) for partition in partitions))
