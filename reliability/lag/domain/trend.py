"""Where a lag is going: its slope by least squares, a word for it, and when it will be gone.

The slope is klag's (TopicLagHistory.java). Its fixed band is replaced by what the points say: commits come in
batches, so a steady lag saws, and a slope that such sawing could have made is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from math import sqrt
from typing import NamedTuple

Point = tuple[float, float]
"""Unix seconds and a value."""

POINTS_MIN = 3
"""Two points always make a line; it takes a third to doubt it."""
DOUBT = 2.0
"""How many standard errors either way are possible; more where few points say how large an error is."""
STEADY_SHARE = 0.005
"""A change over all points of less than this share of the lag is none: it would be gone after 200 times as long."""
ETA_DOUBT_MAX = 0.25
"""An ETA is told only while neither the slope nor the lag itself is in doubt by more than this share."""


class Direction(StrEnum):
    """What becomes of a lag if all goes on as it did."""

    GROWING = "growing"
    SHRINKING = "shrinking"
    STEADY = "steady"


class Fit(NamedTuple):
    """The line through some points."""

    slope: float
    """Per second."""
    slope_doubt: float
    """How far off the slope may be, either way."""
    scatter: float
    """How far from the line single points lie (standard deviation)."""
    mean: float
    now: float
    """The line's value at the last point."""
    span_s: float


def fit(points: Sequence[Point]) -> Fit | None:
    """Fit a line by ordinary least squares; None for fewer than three points, or none apart in time."""
    count = len(points)
    if count < POINTS_MIN:
        return None
    mean_s = sum(at_s for at_s, _ in points) / count
    mean = sum(value for _, value in points) / count
    # Around the means: sums of squares of Unix seconds would lose the milliseconds.
    spread = sum((at_s - mean_s) ** 2 for at_s, _ in points)
    if spread == 0:
        return None
    slope = sum((at_s - mean_s) * (value - mean) for at_s, value in points) / spread
    residual = sum((value - mean - slope * (at_s - mean_s)) ** 2 for at_s, value in points)
    free = count - 2
    scatter = sqrt(residual / free)
    # Close to Student's quantiles for 95 %, which three points need most.
    doubt = DOUBT * (1 + 2 / free) * scatter / sqrt(spread)
    now = mean + slope * (points[-1][0] - mean_s)
    return Fit(slope, doubt, scatter, mean, now, points[-1][0] - points[0][0])


def slope(points: Sequence[Point]) -> float | None:
    """Return how much the value changes a second; None for fewer than three points."""
    line = fit(points)
    return line.slope if line else None


def direction(points: Sequence[Point]) -> Direction | None:
    """Return which way a lag goes; None while there are too few points to tell."""
    line = fit(points)
    return _direction(line) if line else None


def eta_s(lag: float, points: Sequence[Point]) -> float | None:
    """Return in how many seconds a lag is gone at the pace of its last points, of which ``lag`` is the newest.

    None when it does not shrink, or does so too unevenly to tell. Only points since the lag was at its highest count: a
    consumer that recovers is not held to what it did before. Twenty points or more make an ETA that is kept; where
    batches of commits are a large part of what is left, there is none.
    """
    if lag <= 0:
        return 0.0
    line = fit(_since_highest(points))
    if line is None or _direction(line) is not Direction.SHRINKING:
        return None
    # Commits come in batches: what is read and not yet committed counts as lag, and makes a saw of it. Its teeth reach
    # sqrt(3) standard deviations to either side of the line; what really waits is their lower edge.
    waits = line.now - sqrt(3) * line.scatter
    if line.slope_doubt > ETA_DOUBT_MAX * -line.slope or DOUBT * line.scatter > ETA_DOUBT_MAX * line.now:
        return None
    return waits / -line.slope


def rate(points: Sequence[Point]) -> float | None:
    """Return the mean growth a second of a counter (an end, a commit); None for fewer than two looks.

    A counter that went back counts anew from there: its topic was made anew, or its group was set back.
    """
    first = 0
    for at in range(1, len(points)):
        if points[at][1] < points[at - 1][1]:
            first = at
    if len(points) - first < 2 or points[-1][0] <= points[first][0]:
        return None
    return (points[-1][1] - points[first][1]) / (points[-1][0] - points[first][0])


def _direction(line: Fit) -> Direction:
    if abs(line.slope) <= max(line.slope_doubt, STEADY_SHARE * abs(line.mean) / line.span_s):
        return Direction.STEADY
    return Direction.GROWING if line.slope > 0 else Direction.SHRINKING


def _since_highest(points: Sequence[Point]) -> list[Point]:
    highest = max((value for _, value in points), default=0.0)
    last = max((at for at, (_, value) in enumerate(points) if value == highest), default=0)
    return list(points)[last:]
