"""A saga as its page shows it: each step with what it does and what undoes it, side by side, and its history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from reliability.kernel.text import printable
from sagas.domain.history import Event, Kind, Side
from sagas.domain.state import ACTIVE, Saga
from sagas.views import wording

TICKS_MAX = 12
TEXT_MAX = 300
DATA_MAX = 20_000
_ENDS = {
    Kind.SUCCEEDED: "ok",
    Kind.ARRIVED: "ok",
    Kind.RETRYING: "warn",
    Kind.FAILED: "crit",
    Kind.EXPIRED: "crit",
    Kind.UNKNOWN: "unknown",
}


@dataclass(slots=True, kw_only=True)
class Half:
    """One side of a step."""

    kind: str
    word: str
    text: str = ""
    at: datetime | None = None
    took: str = ""
    due_at: datetime | None = None
    ticks: list[str] = field(default_factory=list)
    tries: int = 0
    error: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A step; ``pivot_above``: the point of no return is the line above it."""

    name: str
    note: str
    do: Half
    undo: Half
    pivot_above: bool
    at_hand: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An entry of the history."""

    number: int
    at: datetime
    what: str
    kind: str
    who: str
    text: str
    data: str


def rows(saga: Saga, history: Sequence[tuple[int, Event]]) -> list[Row]:
    """Return the steps in their order; ``history`` tells the tries, as far back as it goes."""
    seen: dict[tuple[str, Side], list[Event]] = defaultdict(list)
    for _, event in history:
        if event.step:
            seen[event.step, event.side].append(event)
    at_hand = saga.at_hand[0].name if saga.at_hand is not None and not saga.status.is_over else ""
    made = []
    for place, step in enumerate(saga.plan.steps):
        state = saga.state_of(step.name)
        halves = []
        for side in Side:
            kind, word = wording.of_side(step, state, side, owed=saga.owes_undo(step))
            halves.append(_half(kind, word, saga, step.name, side, seen[step.name, side]))
        made.append(
            Row(
                name=step.name,
                note=f"waits for {step.event}" if step.waits else "in this database" if step.local else "",
                do=halves[0],
                undo=halves[1],
                pivot_above=saga.plan.pivot == place,
                at_hand=step.name == at_hand,
            )
        )
    return made


def lines(history: Sequence[tuple[int, Event]], *, whole: bool) -> list[Line]:
    """Return the entries, the newest first; ``whole`` shows their data too."""
    return [
        Line(
            number=number,
            at=event.at,
            what=_what(event),
            kind=_ENDS.get(event.kind, "person" if event.actor else ""),
            who=printable(event.actor, limit=100),
            text=printable(str(event.data.get("error") or event.data.get("reason") or ""), limit=TEXT_MAX),
            data=pretty(event.data) if whole and event.data else "",
        )
        for number, event in reversed(history)
    ]


def pretty(value: Any) -> str:
    """Return plain values as text for people, cut where nobody reads on."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
    left = len(text) - DATA_MAX
    return text if left <= 0 else f"{text[:DATA_MAX]}\n… and {left:,} characters more"


def _half(kind: str, word: str, saga: Saga, step: str, side: Side, events: Sequence[Event]) -> Half:
    work = saga.state_of(step).side(side)
    begun = [event.at for event in events if event.kind in (Kind.ATTEMPTED, Kind.AWAITED)]
    ends = [event for event in events if event.kind in _ENDS]
    timed = work.ended_at is not None and begun
    took = wording.lasted(max(0.0, (work.ended_at - begun[-1]).total_seconds())) if timed and work.ended_at else ""
    return Half(
        kind=kind,
        word=word,
        at=work.ended_at or (begun[-1] if begun else work.begun_at),
        took=took,
        due_at=work.due_at if not work.is_done and saga.status in ACTIVE else None,
        ticks=[_ENDS[event.kind] for event in ends[-TICKS_MAX:]] if len(ends) > 1 else [],
        tries=max(work.attempts, len(ends)),
        error=printable(work.error, limit=TEXT_MAX) if not work.is_done else "",
        key=saga.idempotency_key(step, side) if work.attempts and not saga.plan.step(step).local else "",
    )


def _what(event: Event) -> str:
    words = wording.KINDS[event.kind]
    if not event.step:
        return words
    side = "undo of " if event.side is Side.UNDO else ""
    again = f", try {event.attempt}" if event.attempt > 1 else ""
    return f"{side}{event.step}: {words}{again}"
