"""An event as its writer hands it over, and what follows from its bytes alone."""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import dataclass
from uuid import UUID

from reliability.kernel import wire
from reliability.kernel.errors import Permanent
from reliability.kernel.record import Header

SHARDS = 16
"""Fixed for the life of an outbox: an event's shard is computed when it is appended."""

DEFAULT_LIMIT_BYTES = 1_000_000
"""Largest event where the topic's own limit is not known: just under Kafka's default of 1 MiB a request."""

_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_NULL = (-1).to_bytes(4, "big", signed=True)


class WrongEvent(Permanent):
    """The event cannot be expressed in Kafka."""


class TooLarge(WrongEvent):
    """The event is larger than its topic takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What shall be sent. Keys, values and header values are exact bytes; NULL is not empty.

    ``raw`` sends exactly these headers (no id, number or trace is added). ``receipt`` asks for a row that says where
    the event went; if it is refused, the receipt says so and it is not parked: what follows goes on, its writer
    decides. ``lock_key`` serialises the writers of one key until the transaction ends, because no relay can repair an
    order that was lost when the events were written.
    """

    topic: str
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[Header, ...] = ()
    aggregate: tuple[str, str] | None = None
    event_type: str = ""
    raw: bool = False
    partition: int | None = None
    timestamp_ms: int | None = None
    receipt: bool = False
    lock_key: bool = False
    event_id: UUID | None = None


def shard_of(*, key: bytes | None, aggregate_id: str, event_id: UUID) -> int:
    """Return the shard: events of one key (else of one aggregate) share one, so that one owner sends them in order."""
    if key is not None:
        return zlib.crc32(key) % SHARDS
    if aggregate_id:
        return zlib.crc32(aggregate_id.encode("utf-8", "surrogatepass")) % SHARDS
    return zlib.crc32(event_id.bytes) % SHARDS


def checked(event: Event) -> None:
    """Raise ``WrongEvent`` when Kafka has no way to carry the event."""
    if not _TOPIC.fullmatch(event.topic) or event.topic in {".", ".."}:
        raise WrongEvent(f"{event.topic!r} is no topic name: 1 to 249 of a-z A-Z 0-9 . _ -")
    if event.partition is not None and event.partition < 0:
        raise WrongEvent("partition must be 0 or more")
    for name, _ in event.headers:
        if "\x00" in name:
            raise WrongEvent(f"header name {name!r} has a NUL in it")


def size_bytes(*, key: bytes | None, value: bytes | None, packed_headers: bytes) -> int:
    """Return the bytes a record takes: key, value and headers with their lengths."""
    return len(key or b"") + len(value or b"") + len(packed_headers)


def lock_number(*, topic: str, key: bytes) -> int:
    """Return the number, a signed 64-bit integer, under which writers of this key of this topic exclude each other."""
    digest = hashlib.blake2b(topic.encode() + b"\x00" + key, digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def sha256_of(*, key: bytes | None, value: bytes | None, headers: tuple[Header, ...] | list[Header]) -> bytes:
    """Return the digest of a record as sent: key and value, each after its length (-1 for NULL), packed headers."""
    digest = hashlib.sha256()
    for field in (key, value):
        if field is None:
            digest.update(_NULL)
        else:
            digest.update(len(field).to_bytes(4, "big"))
            digest.update(field)
    digest.update(wire.pack_headers(headers))
    return digest.digest()
