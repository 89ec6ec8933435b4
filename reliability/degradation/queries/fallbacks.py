"""Fallback caches of all processes: where answers came from lately, and how old they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from reliability.degradation.domain.fallback import Outcome
from reliability.degradation.stores.shared import Unreachable
from reliability.degradation.stores.shared_copies import SharedCopies

MINUTES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """One cache. ``counts``: answers of the last minutes by where they came from, each outcome there.

    ``asked_at``: when the dependency answered last; ``stale_at``, ``stale_age_s``: when an old copy was the answer
    last, and how old it was, in seconds. None for what is not known to have happened.
    """

    name: str
    where: str = ""
    fresh_s: float = 0.0
    stale_s: float = 0.0
    has_default: bool = False
    counts: Mapping[Outcome, int] = field(default_factory=lambda: MappingProxyType(dict.fromkeys(Outcome, 0)))
    asked_at: datetime | None = None
    stale_at: datetime | None = None
    stale_age_s: float | None = None

    @property
    def answers(self) -> int:
        """All calls, those that failed too."""
        return sum(self.counts.values())

    @property
    def stale_share(self) -> float:
        """The share of calls that were answered with an old copy, 0 to 1."""
        return self.counts[Outcome.STALE] / self.answers if self.answers else 0.0

    @property
    def worse_share(self) -> float:
        """The share of calls that had the default, or nothing at all."""
        worse = self.counts[Outcome.DEFAULT] + self.counts[Outcome.FAILED]
        return worse / self.answers if self.answers else 0.0

    def age_s(self, now: datetime) -> float | None:
        """Return for how many seconds the dependency has given no new answer; None when none is known."""
        return None if self.asked_at is None else max(0.0, (now - self.asked_at).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallbacks:
    """All caches by name. ``is_known`` is False when Redis did not answer: then nobody knows."""

    caches: tuple[Fallback, ...] = ()
    minutes: int = MINUTES
    is_known: bool = True


def fallbacks(*, minutes: int = MINUTES, store: SharedCopies | None = None) -> Fallbacks:
    """Return what all processes told of their caches; what they counted in the last seconds comes a little later."""
    asked = store or SharedCopies()
    try:
        about, counted = asked.about(), asked.counted(minutes=minutes)
    except Unreachable:
        return Fallbacks(minutes=minutes, is_known=False)
    found = (_of(name, about.get(name, {}), counted.get(name, {})) for name in sorted({*about, *counted}))
    return Fallbacks(caches=tuple(found), minutes=minutes)


def _of(name: str, facts: Mapping[str, Any], counts: Mapping[str, int]) -> Fallback:
    return Fallback(
        name=name,
        where=str(facts.get("where", "")),
        fresh_s=float(facts.get("fresh_s", 0)),
        stale_s=float(facts.get("stale_s", 0)),
        has_default=bool(facts.get("has_default")),
        counts=MappingProxyType({outcome: counts.get(outcome.value, 0) for outcome in Outcome}),
        asked_at=_instant(facts.get("asked_at")),
        stale_at=_instant(facts.get("stale_at")),
        stale_age_s=facts.get("stale_age_s"),
    )


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
