"""What becomes of the rows of one shard: in which order, to which partition, under which number; and what is parked."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

from outbox.domain.numbering import Numbering
from reliability.kernel import wire
from reliability.kernel.murmur import partition_for
from reliability.kernel.record import Outgoing

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
    size_bytes: int
    created_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Park:
    """An event that is not sent. ``behind``: nothing is wrong with it but the one before it in its lane.

    One with a receipt is told to its writer by that alone and not kept: what the writer then does about it must not
    meet a copy that is sent later.
    """

    row: Row
    code: str
    reason: str
    behind: bool = False
    number: str = ""

    @property
    def kept(self) -> bool:
        """Whether the event waits, parked, for somebody to release it."""
        return not self.row.receipt


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

    sends: list[Outgoing] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    """Of the sends, in the same places."""
    parks: list[Park] = field(default_factory=list)
    waits: list[Row] = field(default_factory=list)
    """Of topics that wait: nothing is wrong with them, and they are sent later, in order."""
    closed: set[Lane] = field(default_factory=set)
    """Lanes that got their first parked event here."""
    partitions: dict[str, int] = field(default_factory=dict)
    """The partition count, per topic, that the sends were planned with."""
    size_bytes: int = 0


SHORT_BYTES = 256
"""Keys and headers up to this size are remembered: they come again, and to work them out is a third of the planning."""

_partition_of_short = lru_cache(maxsize=20_000)(partition_for)
_short_headers = lru_cache(maxsize=5_000)(wire.unpack_headers)

BEHIND = Refusal("behind", "waits behind an earlier event of its key")


def plan(
    rows: Sequence[Row],
    *,
    topics: Topics,
    numbering: Numbering,
    lanes: set[Lane],
    waiting: Set[str] = frozenset(),
) -> Plan:
    """Sort out the rows, which must come in order of id.

    ``lanes`` are those that have a parked event already, ``waiting`` the topics of which nothing is sent now.
    """
    made = Plan()
    if waiting:
        made.waits = [row for row in rows if row.topic in waiting]
        rows = [row for row in rows if row.topic not in waiting]
    known: dict[str, tuple[int | None, int]] = {}
    numbers: dict[tuple[str, int], Callable[[], bytes]] = {}
    for row in rows:
        _, _, event_id, topic, partition, timestamp_ms, key, value, packed, raw, _, size, _ = row
        if topic not in known:
            known[topic] = topics.partitions(topic), topics.limit_bytes(topic)
        count, limit_bytes = known[topic]
        if (lanes or made.closed) and (_is_closed(row, lanes) or _is_closed(row, made.closed)):
            made.parks.append(Park(row=row, code=BEHIND.code, reason=BEHIND.reason, behind=True))
            continue
        if count is None or size > limit_bytes or (partition is not None and partition >= count):
            park(row, refusal_of(row, count, size, limit_bytes), parks=made.parks, lanes=made.closed)
            continue
        if partition is None:
            partition = _partition(key, event_id, count)
        headers = [*(_short_headers if len(packed) <= SHORT_BYTES else wire.unpack_headers)(packed)]
        if not raw:
            take = numbers.get((topic, partition))
            if take is None:
                take = numbers[topic, partition] = numbering.slot(topic, partition, count).take
            headers.append((wire.EVENT_ID, event_id.encode()))
            headers.append((wire.NUMBER, take()))
        made.rows.append(row)
        made.sends.append(Outgoing(topic, partition, key, value, headers, timestamp_ms))
    made.partitions = {send.topic: known[send.topic][0] or 0 for send in made.sends}
    made.size_bytes = sum([row.size_bytes for row in made.rows])
    return made


def _is_closed(row: Row, lanes: set[Lane]) -> bool:
    return row.key is not None and (row.topic, row.key) in lanes


def _partition(key: bytes | None, event_id: str, count: int) -> int:
    """Java's choice for a key. Without one any will do, but a resend must choose the same again."""
    if key is None:
        return crc32(event_id.encode()) % count
    return _partition_of_short(key, count) if len(key) <= SHORT_BYTES else partition_for(key, count)


def park(row: Row, refusal: Refusal, *, parks: list[Park], lanes: set[Lane], number: str = "") -> None:
    """Park an event and close its lane; there is none without a key, nor for an event that is not kept."""
    parks.append(Park(row=row, code=refusal.code, reason=refusal.reason, number=number))
    if row.key is not None and parks[-1].kept:
        lanes.add((row.topic, row.key))


def refusal_of(row: Row, count: int | None, size_bytes: int, limit_bytes: int) -> Refusal:
    """Name what is wrong with an event that cannot be sent."""
    if count is None:
        return Refusal("unknown_topic", f"there is no topic {row.topic}")
    if size_bytes > limit_bytes:
        return Refusal("too_large", f"{size_bytes:,} bytes, and topic {row.topic} takes {limit_bytes:,}")
    return Refusal("unknown_partition", f"partition {row.partition} of topic {row.topic}, which has {count}")
