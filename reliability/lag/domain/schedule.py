"""How often a group is looked at: often while something happens to it, rarely else, and never beyond the budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reliability.lag.domain.values import WINDOW, Sample

_DOUBLINGS_MAX = 16  # of a back-off; the cap comes long before


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """Seconds between two looks at a group, and the longest wait of a cluster that does not answer."""

    hot_s: float = 5.0
    quiet_s: float = 60.0
    backoff_max_s: float = 15.0


DEFAULT = Intervals()


def is_hot(window: Sequence[Sample], *, end: int | None, looks: int) -> bool:
    """Whether a partition keeps its group hot: it has lag, its commit moved, or its end passed the commit.

    ``end`` is the newest one, which may have been read after the window's last sample. ``looks`` counts those at the
    group: a new one is hot until a verdict can be made. A partition that never committed has no samples, and keeps no
    group hot.
    """
    if looks < WINDOW:
        return True
    if not window:
        return False
    last = window[-1]
    if last.end > last.committed or (end is not None and end > last.committed):
        return True
    return len(window) > 1 and window[-2].committed != last.committed


def retry_s(*, failures: int, intervals: Intervals = DEFAULT) -> float:
    """Return how long a cluster that failed so many times in a row is left alone: doubled each time, up to a cap."""
    return min(intervals.backoff_max_s, intervals.hot_s * 2.0 ** min(failures - 1, _DOUBLINGS_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What the plan asks of the busiest broker, and what is made of it."""

    stretch: float
    """By how much all intervals are longer than set; 1 while the plan is within the budget."""
    broker: int | None
    planned: float
    """Requests a minute of the busiest broker before stretching."""
    allowed: float | None
    """Requests a minute of each broker; None for no limit."""

    @property
    def text(self) -> str:
        """One sentence for the operator."""
        if self.broker is None:
            return "Nothing is asked."
        busiest = f"{self.planned:,.0f} requests a minute of broker {self.broker}"
        if self.allowed is None:
            return f"{busiest}; no limit is set."
        if self.stretch == 1:
            return f"{busiest}, within the limit of {self.allowed:,.0f}."
        return (
            f"{busiest} would exceed the limit of {self.allowed:,.0f}: intervals are {self.stretch:.1f} times longer."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How many requests a minute each broker may be asked; None for no limit. Raises ``ValueError`` for none at all."""

    per_minute: float | None

    def __post_init__(self) -> None:
        if self.per_minute is not None and self.per_minute <= 0:
            raise ValueError(f"a budget must leave room for a request: {self.per_minute}")

    def load(self, planned: Mapping[int, float]) -> Load:
        """Return what the plan (requests a minute by broker) means for the intervals."""
        if not planned:
            return Load(stretch=1.0, broker=None, planned=0.0, allowed=self.per_minute)
        broker, most = max(planned.items(), key=lambda each: (each[1], -each[0]))
        stretch = 1.0 if self.per_minute is None else max(1.0, most / self.per_minute)
        return Load(stretch=stretch, broker=broker, planned=most, allowed=self.per_minute)
