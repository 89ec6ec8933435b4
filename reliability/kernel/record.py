"""A Kafka record as bytes: what was read, or what shall be sent."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record read from a partition; key, value and header values stay the exact bytes."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
    timestamp_ms: int | None = None
    headers_unreadable: bool = False
    """The client could not decode a header name, so ``headers`` is empty although the record has some."""

    @property
    def topic_partition(self) -> TopicPartition:
        return TopicPartition(self.topic, self.partition)
