"""The database's clock, read once per claim and carried on by the machine's own."""

from __future__ import annotations

from datetime import datetime, timedelta

from reliability.kernel import clock


class DatabaseTime:
    """Tells the database's time without asking again; good for the minutes that a claim is worked on."""

    def __init__(self, at: datetime, *, time: clock.Clock = clock.SYSTEM) -> None:
        self._at, self._time, self._since_s = at, time, time.monotonic()

    def now(self) -> datetime:
        """Return the database's time, within the jitter of one round trip."""
        return self._at + timedelta(seconds=self._time.monotonic() - self._since_s)
