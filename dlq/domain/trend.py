"""How a failure group is doing, in one word and one colour: from its counters and its last hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dlq.domain import classify

Status = Literal["ok", "warn", "crit", "prog", "paused", "unknown"]

MINUTES = 60
RECENT_MINUTES = 5
NEW_S = 600.0
OUTAGE_PER_MINUTE = 5.0
"""From this rate a dependency's failure counts as an outage."""
OUTAGE = "Outage"
RISING_FACTOR = 2.0
RISING_MIN = 5
"""Fewer recent letters than this are no trend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a group is called and how it is shown."""

    status: Status
    word: str

    @property
    def is_cause(self) -> bool:
        """Whether other troubles may follow from it: something that services need is away now."""
        return self.word == OUTAGE


def judge(
    *, open_count: int, replaying: int, quarantined: int, cause: str, age_s: float, points: Sequence[float]
) -> Standing:
    """Return a group's standing; ``points`` are letters per minute, the last hour, the newest last."""
    if not open_count:
        return _without_open(replaying, quarantined)
    recent, before = points[-RECENT_MINUTES:], points[:-RECENT_MINUTES]
    rate = sum(recent) / RECENT_MINUTES
    # Minutes before the group existed are no sign of quiet.
    lived = min(len(before), int(age_s // 60) - RECENT_MINUTES)
    usual = sum(before) / lived if lived > 0 else rate
    if cause == classify.DEPENDENCY and rate >= OUTAGE_PER_MINUTE:
        return Standing(status="crit", word=OUTAGE)
    if age_s < NEW_S:
        return Standing(status="crit", word="New")
    if sum(recent) >= RISING_MIN and rate > RISING_FACTOR * usual:
        return Standing(status="crit", word="Rising")
    if any(recent):
        return Standing(status="crit", word="Failing")
    return Standing(status="warn", word="Quiet")


def _without_open(replaying: int, quarantined: int) -> Standing:
    if replaying:
        return Standing(status="prog", word="Replaying")
    if quarantined:
        return Standing(status="warn", word="Quarantined")
    return Standing(status="ok", word="Empty")


def spread(*, letters: int, keys: int) -> str:
    """Tell poison from outage by the keys of a group's newest letters: "one key", "few keys", "many keys", or ""."""
    if letters < RISING_MIN:
        return ""
    if keys <= 1:
        return "one key"
    return "few keys" if keys * 4 <= letters else "many keys"
