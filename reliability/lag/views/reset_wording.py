"""A reset as its page says it: its state, what each partition is told, what may be done next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reliability.console.domain.values import Status
from reliability.lag.domain.reset import Row
from reliability.lag.models.resets import State
from reliability.lag.queries.resets import Seen

STATES: dict[str, tuple[Status, str]] = {
    State.PLANNED: ("paused", "Preview: nothing is changed"),
    State.APPLYING: ("prog", "Being applied"),
    State.APPLIED: ("ok", "Applied"),
    State.PARTLY: ("warn", "Applied in part"),
    State.REFUSED: ("crit", "Refused by Kafka"),
    State.UNKNOWN: ("unknown", "Not known yet"),
}
OLD: tuple[Status, str] = ("unknown", "Expired preview")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A reset in a list."""

    seen: Seen
    status: Status
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowShown:
    """A partition of a reset. ``status`` and ``said`` are what became of it, empty while it is only planned."""

    row: Row
    status: str
    said: str
    is_deleted: bool


def state_of(seen: Seen, *, now: datetime) -> tuple[Status, str]:
    """Return the state's kind and word."""
    if seen.is_old(now=now):
        return OLD
    return STATES.get(seen.made.state, OLD)


def listed(seen: Seen, *, now: datetime) -> Listed:
    """Return a reset as a list shows it."""
    status, label = state_of(seen, now=now)
    return Listed(seen=seen, status=status, label="Preview" if seen.made.state == State.PLANNED else label)


def rows(seen: Seen, limit: int) -> Sequence[RowShown]:
    """Return the partitions, those that change first."""
    ordered = sorted(seen.rows, key=lambda row: (not (row.changes or row.place in seen.forget), row.place))
    return [_row(seen, row) for row in ordered[:limit]]


def _row(seen: Seen, row: Row) -> RowShown:
    touched = row.changes or row.place in seen.forget
    status, said = _outcome(seen, row) if touched and seen.made.state != State.PLANNED else ("", "")
    return RowShown(row=row, status=status, said=said, is_deleted=row.place in seen.forget)


def _outcome(seen: Seen, row: Row) -> tuple[str, str]:
    why = seen.outcome.get(f"{row.topic} {row.partition}", "")
    if seen.made.state == State.APPLYING:
        return "prog", "being set"
    if not why:
        return "ok", "set" if row.changes else "deleted"
    if seen.made.state == State.UNKNOWN:
        return "unknown", f"not known: {why}"
    return "crit", f"not set: {why}"
