"""Windows in which a flag has another level: some hours of some days of every week, or once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reliability.kernel.errors import Refused

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY: Final = timedelta(days=1)
LONGEST_ONCE: Final = timedelta(days=92)


class WrongWindow(Refused):
    """A window cannot be like this."""

    code = "wrong-window"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """From ``begins`` to ``ends`` by the clocks of ``zone``, on each of ``days`` (0 is Monday).

    A window that ends when or before it begins ends on the next day. Where clocks are put forward over its begin or
    end, that instant is the one an hour later by the clock; where an hour comes twice it begins with the first and
    ends with the second one.
    """

    days: tuple[int, ...]
    begins: time
    ends: time
    zone: str

    def __post_init__(self) -> None:
        """Refuse what is no window; raises ``WrongWindow``."""
        if not self.days or sorted(set(self.days)) != list(self.days) or not 0 <= self.days[0] <= self.days[-1] <= 6:
            raise WrongWindow("Days are numbers from 0 (Monday) to 6 (Sunday), each once and in order.")
        if self.begins.tzinfo or self.ends.tzinfo or self.begins.second or self.ends.second:
            raise WrongWindow("Times are hours and minutes such as 22:30; the zone is said besides.")
        _zone(self.zone)

    def spans(self, around: datetime, *, ahead: timedelta) -> Iterator[tuple[datetime, datetime]]:
        """Give the windows, from and until in UTC, that end after ``around`` and begin within ``ahead``, in order."""
        zone = _zone(self.zone)
        day, last = around.astimezone(zone).date() - 2 * _DAY, (around + ahead).astimezone(zone).date() + _DAY
        while day <= last:
            if day.weekday() in self.days:
                end_day = day if self.ends > self.begins else day + _DAY
                begins, ends = _instant(day, self.begins, zone, fold=0), _instant(end_day, self.ends, zone, fold=1)
                if begins < ends and ends > around and begins <= around + ahead:
                    yield begins, ends
            day += _DAY

    @property
    def in_words(self) -> str:
        """The window, as a person reads it."""
        return f"{_days(self.days)} from {self.begins:%H:%M} to {self.ends:%H:%M} ({self.zone})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """From one instant to another."""

    begins: datetime
    ends: datetime

    def __post_init__(self) -> None:
        """Refuse what is no window; raises ``WrongWindow``."""
        if self.begins.tzinfo is None or self.ends.tzinfo is None:
            raise WrongWindow("Instants have a zone, such as 2026-11-27T00:00Z.")
        if not timedelta(0) < self.ends - self.begins <= LONGEST_ONCE:
            raise WrongWindow(f"A window ends after it begins, and within {LONGEST_ONCE.days} days.")

    def spans(self, around: datetime, *, ahead: timedelta) -> Iterator[tuple[datetime, datetime]]:
        """Give the window, when it ends after ``around`` and begins within ``ahead``."""
        if self.ends > around and self.begins <= around + ahead:
            yield self.begins.astimezone(UTC), self.ends.astimezone(UTC)

    @property
    def in_words(self) -> str:
        """The window, as a person reads it."""
        begins, ends = self.begins.astimezone(UTC), self.ends.astimezone(UTC)
        return f"once, from {begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} UTC"


Window = Weekly | Once


def as_json(window: Window) -> dict[str, object]:
    """Return the window as plain JSON; ``read`` makes it again."""
    if isinstance(window, Once):
        return {"begins": window.begins.astimezone(UTC).isoformat(), "ends": window.ends.astimezone(UTC).isoformat()}
    times = {"begins": f"{window.begins:%H:%M}", "ends": f"{window.ends:%H:%M}"}
    return {"days": list(window.days), **times, "zone": window.zone}


def read(given: object) -> Window:
    """Return the window that JSON describes; raises ``WrongWindow``.

    With ``days`` and ``zone`` it is weekly and its times are ``HH:MM``; without them both are instants.
    """
    if not isinstance(given, dict):
        raise WrongWindow("A window is an object with begins and ends, and for a weekly one days and zone.")
    unknown = given.keys() - {"days", "begins", "ends", "zone"}
    if unknown:
        raise WrongWindow(f"A window has days, begins, ends and zone, not {sorted(map(str, unknown))[0]:.40}.")
    begins, ends = str(given.get("begins", "")), str(given.get("ends", ""))
    try:
        if "days" not in given and "zone" not in given:
            return Once(begins=datetime.fromisoformat(begins), ends=datetime.fromisoformat(ends))
        days = given.get("days")
        if not isinstance(days, list | tuple) or not all(type(day) is int for day in days):
            raise WrongWindow("Days are a list of numbers from 0 (Monday) to 6 (Sunday).")
        clock = {"begins": time.fromisoformat(begins), "ends": time.fromisoformat(ends)}
        return Weekly(days=tuple(days), zone=str(given.get("zone", "")), **clock)
    except ValueError as error:
        raise WrongWindow("begins and ends are times such as 22:30, or instants such as 2026-11-27T00:00Z.") from error


def _instant(day: date, clock: time, zone: ZoneInfo, *, fold: int) -> datetime:
    return datetime.combine(day, clock, tzinfo=zone).replace(fold=fold).astimezone(UTC)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise WrongWindow(f"{name[:60]!r} is no time zone; they are named like Europe/Berlin or UTC.") from error


def _days(days: Sequence[int]) -> str:
    if len(days) == 7:
        return "every day"
    *others, last = [DAYS[day] for day in days]
    return f"every {', '.join(others)} and {last}" if others else f"every {last}"
