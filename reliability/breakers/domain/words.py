"""What a person may lay over a breaker, and for how long."""

from __future__ import annotations

from datetime import timedelta

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


class NothingToTakeBack(Refused):
    """Nobody decides about this breaker: there is nothing to take back."""

    code = "no-override"


def checked(override: Override, lasts: timedelta) -> None:
    """Raise ``NotAnOverride`` or ``BadExpiry`` for what cannot be laid over a breaker."""
    if override is Override.NONE:
        raise NotAnOverride
    if not SHORTEST <= lasts <= LONGEST:
        raise BadExpiry
