"""Sessions of browsers: how long one lasts, and how a browser is called."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""The hosts of a console may; what lies further ahead was written by a clock that was wrong."""
# The first name that occurs counts: all of them claim to be others as well.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox", "Firefox"),
    ("Chromium", "Chromium"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a session lasts from its begin, and from the last thing a person did in it (None: for ever)."""

    whole: timedelta
    idle: timedelta | None

    def ends_at(self, *, began_at: datetime, seen_at: datetime) -> datetime:
        """When it is over, if nothing more is done in it."""
        whole = began_at + self.whole
        return whole if self.idle is None else min(whole, seen_at + self.idle)

    def is_over(self, *, began_at: datetime, seen_at: datetime, now: datetime) -> bool:
        """Whether its time has come. Also when a clock that was ahead gave it more: nobody knows how old it is."""
        ahead = max(began_at, seen_at) > now + CLOCKS_DIFFER_BY
        return ahead or self.ends_at(began_at=began_at, seen_at=seen_at) <= now


def called(user_agent: str) -> str:
    """Return a browser by a name that its owner knows it by: "Firefox on Linux"."""
    browser = next((name for part, name in _BROWSERS if part in user_agent), "")
    system = next((name for part, name in _SYSTEMS if part in user_agent), "")
    return " on ".join(part for part in (browser or "A browser", system) if part) if user_agent else "An unnamed client"
