"""A rule: what raises an alert, after how long, which alerts are one incident, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final, Literal

from reliability.console.domain.conditions import LONGEST_S, Condition, WrongRule
from reliability.console.domain.values import Status

Severity = Literal["warn", "crit"]
SEVERITIES: Final[tuple[Severity, ...]] = ("warn", "crit")
NAME_CHARS_MAX: Final = 63
ROOMS_MAX: Final = 20
REMIND_MIN_S: Final = 300.0
RESERVED: Final = frozenset({"preview"})
"""Names that addresses of the API have."""
_LETTERS: Final = set("abcdefghijklmnopqrstuvwxyz0123456789._-")


class Together(StrEnum):
    """Which alerts of a rule are one incident."""

    RULE = "rule"
    ROOM = "room"
    THING = "thing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What raises an alert: a condition on a signal, or, without one, things that need a person.

    Things count from ``at_least`` to ``at_most``, in ``rooms`` (slugs of pages; none: all), with an id that fits the
    glob ``things``. They alert when they have stood for ``raise_after_s`` and are over when they have been gone for
    ``clear_after_s``; a condition has its own times. ``severity`` is that of a condition. ``channels`` are told (none:
    all), again after ``remind_after_s`` while nobody has acknowledged (0: once). Raises ``WrongRule``.
    """

    name: str
    condition: Condition | None = None
    severity: Severity = "crit"
    at_least: Severity = "crit"
    at_most: Severity = "crit"
    rooms: tuple[str, ...] = ()
    things: str = ""
    raise_after_s: float = 30.0
    clear_after_s: float = 60.0
    together: Together = Together.ROOM
    channels: tuple[str, ...] = ()
    remind_after_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if not self.name or len(self.name) > NAME_CHARS_MAX or not set(self.name) <= _LETTERS:
            raise WrongRule(f"{self.name[:80]!r} is no name: small letters, digits, ., - and _, such as payments-down")
        if self.name in RESERVED:
            raise WrongRule(f"{self.name!r} is an address of the API: call the rule something else.")
        for name, value in (("raise_after_s", self.raise_after_s), ("clear_after_s", self.clear_after_s)):
            if not 0 <= value <= LONGEST_S:
                raise WrongRule(f"{name} is {value:g}; it is 0 to {LONGEST_S:g} seconds.")
        if self.remind_after_s != 0 and not REMIND_MIN_S <= self.remind_after_s <= LONGEST_S:
            raise WrongRule(
                f"remind_after_s is {self.remind_after_s:g}; "
                f"it is {REMIND_MIN_S:g} to {LONGEST_S:g} seconds, or 0 to tell once."
            )
        if len(self.rooms) > ROOMS_MAX or len(self.channels) > ROOMS_MAX:
            raise WrongRule(f"A rule names at most {ROOMS_MAX} rooms and {ROOMS_MAX} channels; none means all.")
        if worse(self.at_most, self.at_least):
            raise WrongRule("at_least is worse than at_most: it would find nothing.")
        if self.condition is not None and (self.rooms or self.things):
            raise WrongRule("A rule watches a signal, or things of some rooms, not both: make two rules of it.")

    def takes(self, *, room: str, severity: Severity, thing: str) -> bool:
        """Whether a thing that needs a person is one of those that it watches."""
        is_so_bad = SEVERITIES.index(self.at_least) <= SEVERITIES.index(severity) <= SEVERITIES.index(self.at_most)
        return is_so_bad and self._is_of_mine(room, thing)

    def is_outgrown_by(self, *, room: str, severity: Severity, thing: str) -> bool:
        """Whether a thing is worse than what it watches: that is another rule's, and no end of this one's."""
        return worse(self.at_most, severity) and self._is_of_mine(room, thing)

    def _is_of_mine(self, room: str, thing: str) -> bool:
        return (
            self.condition is None
            and (not self.rooms or room in self.rooms)
            and (not self.things or fnmatchcase(thing, self.things))
        )


def severity_of(status: Status) -> Severity | None:
    """Return how bad a status is for whoever is told: what nobody could read counts as a warning, too."""
    if status == "crit":
        return "crit"
    return "warn" if status in ("warn", "unknown") else None


def worse(one: Severity | Literal[""], other: Severity) -> bool:
    """Whether ``other`` is worse than ``one``; anything is worse than nothing."""
    return one == "" or SEVERITIES.index(other) > SEVERITIES.index(one)
