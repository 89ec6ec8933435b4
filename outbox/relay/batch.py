"""A batch of one shard on its way: what was planned, what Kafka answered, what is left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from outbox.domain import planning
from outbox.domain.event import sha256_of
from outbox.domain.numbering import Numbering
from outbox.domain.planning import Lane, Park, Plan
from outbox.relay.shard import Shard
from reliability.kafka.ports import DeliveryError
from reliability.kernel import wire
from reliability.kernel.record import TopicPartition

ReceiptRow = tuple[str, str, int | None, int | None, bytes, str, str]
"""Event id, topic, partition, offset, sha256, state, error."""

UNKNOWN = "a relay died while this was on its way, and the topic could not be searched; it was not sent again"


@dataclass(slots=True, eq=False)
class Batch:
    """Rows up to ``last_id`` of the window that ends at ``window_end``; ``ended``: they are the window's last."""

    shard: Shard
    window_end: str
    last_id: int
    ended: bool
    plan: Plan
    numbering: Numbering
    first_id: int
    oldest_s: float
    """When the first of the events was appended, in seconds since 1970."""
    targets: dict[TopicPartition, int] = field(default_factory=dict)
    """Log-end offsets, before anything was sent, of the partitions that get events with a receipt."""
    released: tuple[int, ...] = ()
    """Ids of the events that waited for a breaker, where it is made of such; else it is made of a window's."""
    begun: bool = False
    """Some of it may have been sent: events with a receipt are searched for before they are sent (again)."""
    late_parks: list[Park] = field(default_factory=list)
    closed: set[Lane] = field(default_factory=set)
    """Lanes of the late parks: what the batch has further back in them is parked, too."""
    answered: bytearray = field(init=False)
    offsets: dict[int, int] = field(default_factory=dict)
    unknown: set[int] = field(default_factory=set)
    failed: dict[int, DeliveryError] = field(default_factory=dict)
    apart: dict[str, int] = field(default_factory=dict)
    """Topics of which a record was refused, with the last place that may be the culprit: sent one by one up to there,
    while the others go on."""
    doomed: dict[int, DeliveryError] = field(default_factory=dict)
    """Sends of which it is known that they will be refused. They are parked when what is before them was sent."""
    unfinished: bool = False
    """Nothing failed, but there was no time for all: to be gone on with in the next step."""

    def __post_init__(self) -> None:
        self.answered = bytearray(len(self.plan.sends))

    def hear(self, place: int, offset: int, error: DeliveryError | None) -> None:
        """Take Kafka's answer for the send at ``place``."""
        if error is not None:
            self.failed[place] = error
            return
        self.answered[place] = 1
        if self.failed:
            self.failed.pop(place, None)
        if self.plan.rows[place].receipt:
            self.offsets[place] = offset

    def left(self) -> Iterator[int]:
        """Places of the sends that have no answer that counts."""
        answered = self.answered
        return (place for place in range(len(answered)) if not answered[place])

    def sendable(self) -> Iterator[int]:
        """Places of what is left that may be sent now, with the others; parks what is behind a parked event."""
        closing: set[Lane] = set()
        for place in self.left():
            row = self.plan.rows[place]
            lane = None if row.key is None else (row.topic, row.key)
            if row.topic in self.apart or lane in closing:
                continue
            if place in self.doomed:
                if lane is not None and not row.receipt:
                    closing.add(lane)
            elif not self.refuse_behind(place):
                yield place

    @property
    def complete(self) -> bool:
        """Whether every send was answered."""
        return 0 not in self.answered

    @property
    def sent(self) -> int:
        """How many events Kafka has taken."""
        return len(self.answered) - len(self.late_parks) - len(self.unknown)

    def wants_receipts(self) -> set[TopicPartition]:
        """The partitions that get events with a receipt."""
        return {
            TopicPartition(send.topic, send.partition)
            for send, row in zip(self.plan.sends, self.plan.rows, strict=True)
            if row.receipt
        }

    def refuse(self, place: int, error: DeliveryError) -> None:
        """Park the send at ``place`` for good; what follows in its lane is parked behind it by ``refuse_behind``."""
        row, headers = self.plan.rows[place], self.plan.sends[place].headers
        refusal = planning.Refusal(error.code.lower().strip("_"), error.message)
        number = None if row.raw else wire.last(headers, wire.NUMBER)
        planning.park(row, refusal, parks=self.late_parks, lanes=self.closed, number=(number or b"").decode())
        self.shard.lanes |= self.closed
        self.answered[place] = 1

    def refuse_behind(self, place: int) -> bool:
        """Park the send at ``place`` if its lane is closed; tell whether it is."""
        row = self.plan.rows[place]
        if row.key is None or (row.topic, row.key) not in self.closed:
            return False
        behind = planning.BEHIND
        self.late_parks.append(Park(row=row, code=behind.code, reason=behind.reason, behind=True))
        self.answered[place] = 1
        return True

    def pending(self) -> dict[str, Any]:
        """What a successor needs to send exactly this again, besides the window's place in the shard's row."""
        targets: dict[str, dict[str, int]] = {}
        for (topic, partition), offset in self.targets.items():
            targets.setdefault(topic, {})[str(partition)] = offset
        return {
            "last_id": self.last_id,
            "ended": self.ended,
            "numbers": self.numbering.firsts(),
            "partitions": self.plan.partitions,
            "targets": targets,
            "refused": [parked.row.id for parked in self.plan.parks if not parked.kept],
            **({"released": list(self.released)} if self.released else {}),
        }

    def receipts(self) -> list[ReceiptRow]:
        """Receipts, as rows, of what was sent, is unknown, or was refused on the way."""
        rows: list[ReceiptRow] = []
        for place, offset in self.offsets.items():
            rows.append(self._receipt(place, offset, "sent", ""))
        for place in self.unknown:
            rows.append(self._receipt(place, None, "unknown", UNKNOWN))
        return rows + refusals(self.late_parks)

    def _receipt(self, place: int, offset: int | None, state: str, error: str) -> ReceiptRow:
        topic, partition, key, value, headers, _ = self.plan.sends[place]
        digest = sha256_of(key=key, value=value, headers=headers)
        return self.plan.rows[place].event_id, topic, partition, offset, digest, state, error


def refusals(parks: Iterable[Park]) -> list[ReceiptRow]:
    """Receipts, as rows, of refused events that asked for one."""
    return [
        (parked.row.event_id, parked.row.topic, None, None, b"", "refused", _why(parked))
        for parked in parks
        if parked.row.receipt
    ]


def _why(parked: Park) -> str:
    gap = f" (readers see a gap at {parked.number})" if parked.number else ""
    return f"{parked.code}: {parked.reason}{gap}"
