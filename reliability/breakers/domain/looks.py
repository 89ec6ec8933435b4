"""What is told of a breaker's traffic: rates, shares and how they are drawn; numbers only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Final

from reliability.breakers.domain.latency import quantile_s
from reliability.breakers.domain.machine import Breaker, State
from reliability.breakers.domain.rules import Rules

PART_S: Final = 10
"""Seconds of one part of the traffic."""
NEWEST: Final = 3
"""Parts that the figures of the moment are of, the running one too."""
RADIUS: Final = (10.0, 34.0)
PER_ROOT: Final = 1.8
"""What a circle's radius grows with the root of the calls per second: its area is the traffic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Ten seconds of a breaker's traffic, from ``at`` on; ``took``: calls by step of latency."""

    at: int
    calls: int
    failed: int
    slow: int
    rejected: int
    took: Mapping[int, int] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """How much of it failed, of one."""
        return self.failed / self.calls if self.calls else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a breaker's traffic comes to. Rates are per second; ``share`` and ``slow`` are parts of one, None without
    calls; ``p99_s``: in seconds."""

    calls_s: float
    rejected_s: float
    share: float | None
    slow: float | None
    p99_s: float | None


def figures(parts: Sequence[Part | None], *, now: float) -> Figures:
    """Return the figures of the newest parts; the last one runs still."""
    newest = [part for part in parts[-NEWEST:] if part is not None]
    span_s = (NEWEST - 1) * PART_S + now % PART_S if parts else 1.0
    return _summed(newest, span_s=max(span_s, 1.0))


def before(parts: Sequence[Part | None], *, since: float) -> Figures:
    """Return the figures of the parts that led to what holds ``since`` then."""
    earlier = [part for part in parts if part is not None and part.at < since and part.calls][-NEWEST:]
    return _summed(earlier, span_s=max(len(earlier), 1) * PART_S)


def _summed(parts: Sequence[Part], *, span_s: float) -> Figures:
    calls, failed = sum(part.calls for part in parts), sum(part.failed for part in parts)
    took: Counter[int] = Counter()
    for part in parts:
        took.update(part.took)
    return Figures(
        calls_s=calls / span_s,
        rejected_s=sum(part.rejected for part in parts) / span_s,
        share=failed / calls if calls else None,
        slow=sum(part.slow for part in parts) / calls if calls else None,
        p99_s=quantile_s(took, 0.99),
    )


def radius(calls_s: float) -> float:
    """Return the radius of a breaker's circle, in its drawing's units."""
    smallest, largest = RADIUS
    return round(min(largest, smallest + PER_ROOT * sqrt(max(0.0, calls_s))), 1)


def probes(breaker: Breaker, rules: Rules) -> list[str]:
    """Return a half-open breaker's permits as the ring shows them: ``ok``, ``crit``, ``prog`` (under way), ``unknown``
    (not given)."""
    if breaker.state is not State.HALF_OPEN:
        return []
    given = ["ok"] * breaker.passed + ["crit"] * breaker.failed + ["prog"] * len(breaker.permits)
    return (given + ["unknown"] * rules.permits)[: rules.permits]


def next_step(breaker: Breaker, rules: Rules, *, now: float) -> tuple[int, float] | None:
    """Return the next share of a ramp in percent and the seconds until then; None for what does not recover."""
    if breaker.state is not State.RECOVERING:
        return None
    step_s = rules.ramp_s / len(rules.ramp)
    number = int(max(0.0, now - breaker.since) / step_s) + 1
    share = rules.ramp[number] if number < len(rules.ramp) else 100
    return share, max(0.0, breaker.since + min(number, len(rules.ramp)) * step_s - now)
