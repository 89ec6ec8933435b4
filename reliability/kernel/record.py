"""A Kafka record as bytes: what was read, or what shall be sent."""

from __future__ import annotations

from typing import NamedTuple

Header = tuple[str, bytes | None]
"""One record header. Names may repeat, order matters, NULL is not empty."""


class TopicPartition(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


class Outgoing(NamedTuple):
    """A record to be sent, its partition chosen. A named tuple, because a relay makes tens of thousands a second."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: list[Header]
    timestamp_ms: int | None


class Record(NamedTuple):
    """One record read from a partition; key, value and header values stay the exact bytes.

    A named tuple, because a consumer makes tens of thousands a second: it costs a fifth of a frozen dataclass.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
    timestamp_ms: int | None = None
    headers_unreadable: bool = False  # the client could not decode a header name: ``headers`` is empty, wrongly

    @property
    def topic_partition(self) -> TopicPartition:
        return TopicPartition(self.topic, self.partition)
