"""A word that a person has laid over a breaker, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from reliability.breakers.domain.machine import Override
from reliability.kernel.errors import Refused

SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=1)
"""Nobody remembers a longer one; it can be said again before its time is over."""


class BadExpiry(Refused):
    """An override lasts at least a minute and at most a day."""

    code = "bad-expiry"
    status = 422


class NotAnOverride(Refused):
    """A breaker is forced open, forced closed, or watched only."""

    code = "bad-override"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a person has said of a breaker. ``number`` grows with each word, so that of two at once one is told."""

    override: Override
    until: datetime | None
    by: str
    reason: str
    number: int

    def holds(self, now: datetime) -> bool:
        """Whether it holds now."""
        return self.override is not Override.NONE and self.until is not None and now < self.until


def checked(override: Override, lasts: timedelta) -> None:
    """Raise ``NotAnOverride`` or ``BadExpiry`` for what cannot be laid over a breaker."""
    if override is Override.NONE:
        raise NotAnOverride
    if not SHORTEST <= lasts <= LONGEST:
        raise BadExpiry
