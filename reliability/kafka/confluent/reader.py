"""Reading a range of a partition on librdkafka, outside of any group."""

from __future__ import annotations

from collections.abc import Iterator

import confluent_kafka
from confluent_kafka import KafkaError

from reliability.kafka import ports
from reliability.kafka.confluent import messages, noise, settings
from reliability.kernel import clock
from reliability.kernel.record import Record, TopicPartition

_BATCH_MAX = 500
_POLL_S = 0.1  # how long a deadline may be overrun


class Reader:
    """See `ports.Reader`. For one thread, one range at a time."""

    def __init__(self, profile: settings.Settings, *, client_id: str, time: clock.Clock = clock.SYSTEM) -> None:
        self._client = confluent_kafka.Consumer(
            settings.reader(profile, client_id=client_id), logger=noise.Throttled(client_id)
        )
        self._time = time
        self._closed = False
        self._met: set[str] = set()

    def read(
        self, partition: TopicPartition, start_offset: int, end_offset: int, *, deadline_s: float
    ) -> Iterator[Record]:
        if start_offset >= end_offset:
            return
        until_s = self._time.monotonic() + deadline_s
        self._meet(partition, deadline_s)
        self._client.assign([confluent_kafka.TopicPartition(partition.topic, partition.partition, start_offset)])
        try:
            position = start_offset
            while position < end_offset:
                if self._time.monotonic() >= until_s:
                    raise ports.Unreadable(f"{partition}: read up to {position} of {end_offset} in {deadline_s:g} s")
                for message in self._batch():
                    if _is_end(message):
                        position = max(position, message.offset() or 0)
                        if position < end_offset:
                            raise ports.Unreadable(f"{partition}: the log ends at {position}, before {end_offset}")
                        break
                    record = messages.record(message)
                    position = record.offset + 1
                    if record.offset < end_offset:
                        yield record
        finally:
            self._client.unassign()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._client.close()

    def _meet(self, partition: TopicPartition, deadline_s: float) -> None:
        """Ask about a topic once: by itself the client does so once a second only. Makes no topic."""
        if partition.topic in self._met:
            return
        try:
            self._client.list_topics(partition.topic, timeout=deadline_s)
        except confluent_kafka.KafkaException as error:
            raise ports.Unreadable(f"{partition}: {error.args[0].str()}") from error
        self._met.add(partition.topic)

    def _batch(self) -> list[confluent_kafka.Message]:
        first = self._client.poll(_POLL_S)
        if first is None:
            return []
        batch = [first, *self._client.consume(_BATCH_MAX, 0.0)]
        for message in batch:
            error = message.error()
            if error is not None and not _is_end(message) and not error.retriable():
                raise ports.Unreadable(f"{message.topic()}[{message.partition()}]: {error.name()}: {error.str()}")
        return [message for message in batch if message.error() is None or _is_end(message)]


def _is_end(message: confluent_kafka.Message) -> bool:
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF
