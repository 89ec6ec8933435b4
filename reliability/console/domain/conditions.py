"""A condition: a signal that is bad for so long, and well again for so long. Policies and alert rules are made of them.

Time is that of the samples: a run is as long as from its first sample to its last one. So a signal that says nothing
makes no run longer, and one that was silent for too long begins anew: what is not known moves nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from reliability.kernel.errors import Refused

SIGNAL_CHARS_MAX: Final = 80
SUBJECT_CHARS_MAX: Final = 300
UNIT_CHARS_MAX: Final = 20
LONGEST_S: Final = 86_400.0


class WrongRule(Refused):
    """A rule cannot be like this."""

    code = "wrong-rule"
    status = 422


class Look(StrEnum):
    """How a condition stands."""

    BAD = "bad"
    WELL = "well"
    BETWEEN = "between"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A signal's value, when it was true, and the topics that it tells of."""

    value: float
    at: datetime
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Bad from ``enter`` on for ``enter_for_s`` seconds, well from ``exit`` on for ``exit_for_s``.

    ``enter`` above ``exit``: high is bad (lag); below it: low is bad (health). Between both nothing is said. A value
    older than ``fresh_s`` seconds is not known. ``unit`` is for sentences.
    """

    signal: str
    subject: str
    enter: float
    exit: float
    enter_for_s: float = 0.0
    exit_for_s: float = 0.0
    fresh_s: float = 60.0
    unit: str = ""

    def __post_init__(self) -> None:
        """Refuse what makes no sense; raises ``WrongRule``."""
        if not self.signal or len(self.signal) > SIGNAL_CHARS_MAX or len(self.subject) > SUBJECT_CHARS_MAX:
            raise WrongRule("A condition names a signal, such as breaker.state, and what it is of, such as a group.")
        if len(self.unit) > UNIT_CHARS_MAX:
            raise WrongRule(f"{self.named}: unit is at most {UNIT_CHARS_MAX} characters, such as s or letters.")
        if not (math.isfinite(self.enter) and math.isfinite(self.exit)):
            raise WrongRule(f"{self.named}: enter and exit are numbers.")
        if self.enter == self.exit:
            raise WrongRule(
                f"{self.named}: enter and exit are both {self.enter:g}, so that it would flap; let exit be lower "
                "than enter where high is bad, and higher where low is bad."
            )
        for name, value in (("enter_for_s", self.enter_for_s), ("exit_for_s", self.exit_for_s)):
            if not 0 <= value <= LONGEST_S:
                raise WrongRule(f"{self.named}: {name} is {value:g}; it is 0 to {LONGEST_S:g} seconds.")
        if not 1 <= self.fresh_s <= LONGEST_S:
            raise WrongRule(f"{self.named}: fresh_s is {self.fresh_s:g}; it is 1 to {LONGEST_S:g} seconds.")

    @property
    def named(self) -> str:
        """The signal and what it is of."""
        return f"{self.signal} of {self.subject}" if self.subject else self.signal

    @property
    def high_is_bad(self) -> bool:
        """Whether it is bad above its threshold."""
        return self.enter > self.exit

    def judged(self, value: float) -> Look:
        """Return how a value stands; a threshold itself counts."""
        if math.isnan(value):
            return Look.UNKNOWN
        sign = 1 if self.high_is_bad else -1
        if value * sign >= self.enter * sign:
            return Look.BAD
        return Look.WELL if value * sign <= self.exit * sign else Look.BETWEEN

    def told(self, value: float) -> str:
        """Return a value with its unit."""
        return f"{value:g} {self.unit}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a condition stands since its run began; ``value`` and ``last`` are those of the newest sample."""

    look: Look = Look.UNKNOWN
    since: datetime | None = None
    last: datetime | None = None
    value: float | None = None

    def after(self, condition: Condition, reading: Reading | None, *, now: datetime) -> Run:
        """Return the run after a look at the signal. Nothing heard, or nothing new, leaves it as it is."""
        if reading is None:
            return self
        at = min(reading.at, now)
        look = condition.judged(reading.value)
        if look is Look.UNKNOWN or _older(at, now, condition.fresh_s):
            return self
        if self.last is not None and at <= self.last <= now:
            return self
        is_same = look is self.look and self.last is not None and timedelta(0) <= at - self.last
        if is_same and self.last is not None and not _older(self.last, at, condition.fresh_s):
            return Run(look=look, since=self.since, last=at, value=reading.value)
        return Run(look=look, since=at, last=at, value=reading.value)

    def seen(self, condition: Condition, *, now: datetime) -> Look:
        """Return how it stands now: what is too old is not known."""
        if self.last is None or _older(self.last, now, condition.fresh_s):
            return Look.UNKNOWN
        return self.look

    def lasted_s(self) -> float:
        """Return for how long it has been so, in seconds between samples."""
        return (self.last - self.since).total_seconds() if self.since is not None and self.last is not None else 0.0

    def is_bad(self, condition: Condition, *, now: datetime) -> bool:
        """Whether it has been bad for long enough."""
        return self.seen(condition, now=now) is Look.BAD and self.lasted_s() >= condition.enter_for_s

    def is_well(self, condition: Condition, *, now: datetime) -> bool:
        """Whether it has been well for long enough."""
        return self.seen(condition, now=now) is Look.WELL and self.lasted_s() >= condition.exit_for_s


def _older(at: datetime, now: datetime, seconds: float) -> bool:
    return (now - at).total_seconds() > seconds
