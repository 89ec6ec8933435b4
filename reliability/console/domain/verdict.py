"""The overview in one sentence, and the order of what needs a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from reliability.console.domain.values import Fact, Item, Status, TimelineRow

# Worst first. Unknown stands before what is merely paused: nobody looked there.
_ORDER: dict[str, int] = {"crit": 0, "warn": 1, "unknown": 2, "paused": 3, "prog": 4, "ok": 5}
_NEVER = datetime.max.replace(tzinfo=UTC)
_EVER = datetime.fromtimestamp(0, UTC)
LOOKED_BACK_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the overview says first."""

    status: Status
    sentence: str


def worst(statuses: Iterable[Status]) -> Status:
    """The status of a whole from those of its parts; ok without parts."""
    return min(statuses, key=_ORDER.__getitem__, default="ok")


def ordered(items: Iterable[Item]) -> list[Item]:
    """By severity, causes before what may follow from them, then by place and age; what has no beginning comes last."""
    return sorted(items, key=_rank)


def _rank(item: Item) -> tuple[int, bool, bool, int, datetime, str]:
    since = item.since or _NEVER
    return _ORDER[item.status], not item.is_cause, item.since is None, item.place, since, item.id


def worst_first(facts: Iterable[Fact]) -> list[Fact]:
    """By severity, the newest first: what changed last explains most."""
    return sorted(facts, key=lambda fact: (_ORDER[fact.severity], -(fact.since or _EVER).timestamp(), fact.text))


def things(items: Iterable[Item]) -> int:
    """How many things need a person: an item that stands for many lines is as many, as in the rail, and none is less
    than one."""
    return sum(max(1, item.lines) for item in items)


def verdict(
    *, items: Sequence[Item], unread: Sequence[str], last_problem_at: datetime | None, now: datetime
) -> Verdict:
    """Say how things are. ``unread`` names what could not be asked: then it is never said that all is quiet."""
    if items:
        count = things(items)
        need = "1 thing needs you" if count == 1 else f"{count:,} things need you"
        besides = f"; {_listed(unread)} could not be read" if unread else ""
        return Verdict(status=worst(item.status for item in items), sentence=f"{need}{besides}.")
    if unread:
        return Verdict(status="unknown", sentence=f"Cannot say: {_listed(unread)} could not be read.")
    if last_problem_at is None:
        return Verdict(status="ok", sentence=f"All quiet. No problem in the last {LOOKED_BACK_DAYS} days.")
    return Verdict(status="ok", sentence=f"All quiet. Last problem {ago(last_problem_at, now=now)}.")


def last_problem(rows: Iterable[TimelineRow]) -> datetime | None:
    """When a machine last had a problem."""
    return max((row.at for row in rows if row.kind == "machine" and row.status in ("warn", "crit")), default=None)


def ago(instant: datetime, *, now: datetime) -> str:
    """An age in the largest unit that fits: "4 h ago"."""
    seconds = max(0, int((now - instant).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago" if seconds else "just now"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
