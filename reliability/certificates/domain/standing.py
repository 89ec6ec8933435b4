"""How a certificate stands at some time, and what is to be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Role = Literal["server", "client", "authority"]
Status = Literal["ok", "warn", "crit", "unknown"]

WARN_BEFORE = timedelta(days=30)
CRIT_BEFORE = timedelta(days=7)
OLD_AFTER = timedelta(hours=3)
"""What was seen longer ago may have been replaced meanwhile: it is not called well any more."""
LOOK_EVERY = timedelta(hours=1)
AGAIN_AFTER = timedelta(minutes=5)
"""To the next look after one that failed."""

_REMEDIES = {
    "server": "Renew the certificate of {where}, and have the server load it.",
    "client": "Renew the certificate in {where}, and start the console's processes again.",
    "authority": "Put the successor beside it into {where}, and start the console's processes again, before servers"
    " show certificates that it signed.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of one certificate. ``where``: host and port, or the file. ``error``: why the last look failed."""

    name: str
    role: Role
    where: str
    ends_at: datetime | None
    looked_at: datetime | None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """``todo`` is empty where nothing has to be done."""

    status: Status
    word: str
    sentence: str
    todo: str = ""


def judged(seen: Seen, *, now: datetime) -> Standing:
    """Return how it stands. What was not seen for hours is unknown; what ended has ended, however old that is."""
    if seen.ends_at is None or seen.looked_at is None:
        reason = f": {seen.error}" if seen.error else ""
        todo = f"See that {seen.where} can be reached from here." if seen.role == "server" else f"Mend {seen.where}."
        return Standing(status="unknown", word="Not known", sentence=f"It could not be looked at{reason}", todo=todo)
    left, old = seen.ends_at - now, now - seen.looked_at > OLD_AFTER
    when = f"{seen.ends_at:%Y-%m-%d %H:%M} UTC"
    behind = f"; last looked at {_spoken(now - seen.looked_at)} ago: {seen.error or 'nobody looks'}" if old else ""
    todo = _REMEDIES[seen.role].format(where=seen.where)
    if left <= timedelta(0):
        return Standing(status="crit", word="Expired", sentence=f"It ended on {when}{behind}", todo=todo)
    if left <= WARN_BEFORE:
        status: Status = "crit" if left <= CRIT_BEFORE else "warn"
        return Standing(
            status=status, word="Ends soon", sentence=f"{_spoken(left)} left, until {when}{behind}", todo=todo
        )
    if old:
        todo = f"See that {seen.where} can be reached from here, and that a worker takes the queue bulk."
        return Standing(status="unknown", word="Not known", sentence=f"It was good until {when}{behind}", todo=todo)
    return Standing(status="ok", word="Holds", sentence=f"Until {when}")


def is_due(*, looked_at: datetime | None, tried_at: datetime | None, now: datetime) -> bool:
    """Whether it is time for a look: once an hour, sooner after one that failed."""
    if tried_at is None:
        return True
    succeeded = looked_at is not None and looked_at >= tried_at
    return now - tried_at >= (LOOK_EVERY if succeeded else AGAIN_AFTER)


def _spoken(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    if hours >= 48:
        return f"{hours // 24} days"
    return f"{hours} hours" if hours > 1 else f"{max(1, int(span.total_seconds() // 60))} minutes"
