"""Which clock a person reads times on: relative words, UTC, or the zone of their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How times are shown; ``zone`` counts for absolute times in every mode."""

    mode: Literal["relative", "utc", "local"] = "relative"
    zone: tzinfo = UTC

    @property
    def label(self) -> str:
        """What the top bar says, so that the zone is always printed."""
        return {"relative": "Relative · UTC", "utc": "UTC", "local": str(self.zone)}[self.mode]

    def clock(self, instant: datetime, *, now: datetime) -> str:
        """Return the time of day, with the date when it is another day; without the zone."""
        local, today = instant.astimezone(self.zone), now.astimezone(self.zone).date()
        if local.date() == today:
            return f"{local:%H:%M:%S}"
        return f"{local.day} {local:%b %H:%M}" if local.year == today.year else f"{local:%Y-%m-%d %H:%M}"

    def moment(self, instant: datetime, *, now: datetime) -> str:
        """Return the same with its zone."""
        return f"{self.clock(instant, now=now)} {self.zone_name(instant)}"

    def zone_name(self, instant: datetime) -> str:
        """Return the short name of the zone at that instant."""
        return instant.astimezone(self.zone).tzname() or str(self.zone)


RELATIVE = Times()


def times_of(choice: str) -> Times:
    """Read what the page's cookie says: "utc", the name of a zone, or anything else for relative times."""
    if choice == "utc":
        return Times(mode="utc")
    if not choice or "/" not in choice:
        return RELATIVE
    try:
        return Times(mode="local", zone=ZoneInfo(choice))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return RELATIVE


def absolute(instant: datetime) -> str:
    """Return the full instant in UTC, for titles and copies: "2026-11-20 03:14:22 UTC"."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
