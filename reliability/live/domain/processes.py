"""When a silent process is worth a person's attention."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

SILENT_AFTER_S = 15.0
FORGOTTEN_AFTER_S = 3600.0  # a host that went away for good, beside others that do its work
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A silent process; ``alone`` when no other process of that name lives."""

    row: HeartbeatRow
    alone: bool


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
