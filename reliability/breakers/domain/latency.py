"""How long calls took, in steps of a quarter of a doubling at most: so small that a process counts each call."""

from __future__ import annotations

from collections.abc import Mapping
from math import frexp, ldexp

STEPS = 4
LOWEST = -20
"""Exponent of the lowest step, about a microsecond: so much is added to every duration, and none lies below it."""
HIGHEST = 17
"""Exponent of the highest step, about 36 hours; what is longer is counted there."""
COUNT = (HIGHEST - LOWEST) * STEPS
ADDED_S = ldexp(1.0, LOWEST)
# What frexp gives, a mantissa from 0.5 to 1 and an exponent, is step int(mantissa * SCALE) + exponent * STEPS + BASE.
SCALE = 2 * STEPS
BASE = -(LOWEST + 1) * STEPS - STEPS


def step(took_s: float) -> int:
    """Return the step of a duration, from 0 to ``COUNT - 1``."""
    mantissa, exponent = frexp(took_s + ADDED_S)
    return min(int(mantissa * SCALE) + exponent * STEPS + BASE, COUNT - 1)


def longest_s(at: int) -> float:
    """Return the upper end of a step, in seconds."""
    exponent, part = divmod(at, STEPS)
    return ldexp((STEPS + part + 1) / STEPS, exponent + LOWEST)


def quantile_s(counts: Mapping[int, int], share: float) -> float | None:
    """Return how long ``share`` of the calls took at most, rounded up to the end of a step; None without calls."""
    left = share * sum(counts.values())
    if not left:
        return None
    for at in sorted(counts):
        left -= counts[at]
        if left <= 1e-9:
            return longest_s(at)
    return None
