"""When a silent process, or one that restarts again and again, is worth a person's attention."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

SILENT_AFTER_S = 15.0
FORGOTTEN_AFTER_S = 3600.0  # a host that went away for good, beside others that do its work
RESTARTS_WITHIN_S = 300.0
RESTARTS_MANY = 4  # within that time; a deployment, or two in a row, are fewer
STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatRow:
    """The last word of one process. ``age_s`` is by the database's clock, so no two hosts' clocks are compared."""

    name: str
    host: str
    pid: int
    state: str
    facts: Mapping[str, object]
    at: datetime
    started_at: datetime
    age_s: float

    @property
    def is_silent(self) -> bool:
        """Whether it should have spoken since."""
        return self.state != STOPPED and self.age_s > SILENT_AFTER_S

    @property
    def has_ended(self) -> bool:
        """Whether it said goodbye or is silent: one that lives beside others of its name has not."""
        return self.state == STOPPED or self.is_silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A silent process; ``alone`` when no other process of that name lives."""

    row: HeartbeatRow
    alone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarting:
    """A process that restarts again and again: its last word, how many times of late, since when."""

    row: HeartbeatRow
    times: int
    since: datetime

    @property
    def sentence(self) -> str:
        """What is wrong."""
        minutes = RESTARTS_WITHIN_S / 60
        return f"{self.row.name} restarts again and again: {self.times} times in {minutes:.0f} min"


def newest(rows: Iterable[HeartbeatRow]) -> list[HeartbeatRow]:
    """The last word per name and host: a restarted process takes the place of the one before it."""
    best: dict[tuple[str, str], HeartbeatRow] = {}
    for row in rows:
        known = best.get((row.name, row.host))
        if known is None or row.age_s < known.age_s:
            best[row.name, row.host] = row
    return sorted(best.values(), key=lambda row: (row.name, row.host))


def missing(rows: Iterable[HeartbeatRow]) -> list[Missing]:
    """The silent ones of ``newest(rows)``; those beside living processes of their name are forgotten after an hour."""
    last = newest(rows)
    alive = {row.name for row in last if row.state != STOPPED and not row.is_silent}
    found = [Missing(row=row, alone=row.name not in alive) for row in last if row.is_silent]
    return [each for each in found if each.alone or each.row.age_s <= FORGOTTEN_AFTER_S]


def restarting(rows: Iterable[HeartbeatRow]) -> list[Restarting]:
    """The processes, per name and host, whose last lives were many and short.

    A life counts when it ended of late and began not long before the last one did: a process that ran for hours and was
    then replaced has not. Beginnings are compared with beginnings on the same host, so no two clocks are.
    """
    known = list(rows)
    found = []
    for last in newest(known):
        lives = [row for row in known if row is not last and _was_short(row, before=last)]
        if len(lives) >= RESTARTS_MANY:
            found.append(Restarting(row=last, times=len(lives), since=min(row.started_at for row in lives)))
    return found


def _was_short(row: HeartbeatRow, *, before: HeartbeatRow) -> bool:
    if (row.name, row.host) != (before.name, before.host) or not row.has_ended or row.age_s > RESTARTS_WITHIN_S:
        return False
    return (before.started_at - row.started_at).total_seconds() <= RESTARTS_WITHIN_S
