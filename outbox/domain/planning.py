"""What becomes of the rows of one shard: in which order, to which partition, under which number; and what is parked."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from outbox.domain.numbering import Numbering
from reliability.kernel import murmur, wire
from reliability.kernel.record import Header

Lane = tuple[str, bytes]
"""Topic and key: what must stay in order among itself."""


class Row(NamedTuple):
    """An event as read for sending. ``event_id`` is text: it becomes a header."""

    id: int
    shard: int
    event_id: str
    topic: str
    partition: int | None
    timestamp_ms: int | None
    key: bytes | None
    value: bytes | None
    headers: bytes
    raw: bool
    receipt: bool


class Send(NamedTuple):
    """A record ready to be produced."""

    row: Row
    partition: int
    headers: list[Header]


@dataclass(frozen=True, slots=True, kw_only=True)
class Park:
    """An event to be parked. ``behind``: nothing is wrong with it but the one before it in its lane."""

    row: Row
    code: str
    reason: str
    behind: bool = False
    number: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an event can never be sent as things are."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """What the planner asks of Kafka's topics; both answers are cached by whoever gives them."""

    partitions: Callable[[str], int | None]
    limit_bytes: Callable[[str], int]


@dataclass(slots=True)
class Plan:
    """The rows of one shard, sorted out. Grows while it is made, then stays."""

    sends: list[Send] = field(default_factory=list)
    parks: list[Park] = field(default_factory=list)
    closed: set[Lane] = field(default_factory=set)
    """Lanes that got their first parked event here."""
    partitions: dict[str, int] = field(default_factory=dict)
    """The partition count, per topic, that the sends were planned with."""
    size_bytes: int = 0


BEHIND = Refusal("behind", "waits behind an earlier event of its key")


def plan(rows: Iterable[Row], *, topics: Topics, numbering: Numbering, lanes: set[Lane]) -> Plan:
    """Sort out the rows, which must come in order of id. ``lanes`` are those that have a parked event already."""
    made = Plan()
    counts: dict[str, int | None] = {}
    limits: dict[str, int] = {}
    for row in rows:
        topic, key = row.topic, row.key
        if topic not in counts:
            counts[topic], limits[topic] = topics.partitions(topic), topics.limit_bytes(topic)
        if (lanes or made.closed) and key is not None and ((topic, key) in lanes or (topic, key) in made.closed):
            made.parks.append(Park(row=row, code=BEHIND.code, reason=BEHIND.reason, behind=True))
            continue
        count = counts[topic]
        size = len(row.headers) + len(row.value or b"") + len(key or b"")
        if count is None or size > limits[topic] or (row.partition is not None and row.partition >= count):
            park(row, refusal_of(row, count, size, limits[topic]), parks=made.parks, lanes=made.closed)
            continue
        made.size_bytes += size
        made.partitions[topic] = count
        made.sends.append(_send(row, count, numbering))
    return made


def park(row: Row, refusal: Refusal, *, parks: list[Park], lanes: set[Lane], number: str = "") -> None:
    """Park an event and close its lane; without a key there is no order to keep, and no lane."""
    parks.append(Park(row=row, code=refusal.code, reason=refusal.reason, number=number))
    if row.key is not None:
        lanes.add((row.topic, row.key))


def refusal_of(row: Row, count: int | None, size_bytes: int, limit_bytes: int) -> Refusal:
    """Name what is wrong with an event that cannot be sent."""
    if count is None:
        return Refusal("unknown_topic", f"there is no topic {row.topic}")
    if size_bytes > limit_bytes:
        return Refusal("too_large", f"{size_bytes:,} bytes, and topic {row.topic} takes {limit_bytes:,}")
    return Refusal("unknown_partition", f"partition {row.partition} of topic {row.topic}, which has {count}")


def _send(row: Row, count: int, numbering: Numbering) -> Send:
    partition = row.partition
    if partition is None:
        # Java's choice for a key. Without one any will do, but a resend must choose the same again.
        key = row.key
        partition = zlib.crc32(row.event_id.encode()) % count if key is None else murmur.partition_for(key, count)
    headers = list(wire.unpack_headers(row.headers)) if row.headers else []
    if not row.raw:
        headers.append((wire.EVENT_ID, row.event_id.encode()))
        headers.append((wire.NUMBER, numbering.slot(row.topic, partition, count).take()))
    return Send(row, partition, headers)
