"""A history as a picture: fewer points where there are many, lines that break where nobody looked, spans of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

WIDTH, HEIGHT = 1_000, 200


class Range(NamedTuple):
    """A span of time that a chart shows."""

    slug: str
    title: str
    span_s: int
    step_s: int
    """Between two points of the picture."""
    rows_s: int
    """Between two rows of its table."""


RANGES = (
    Range("1h", "1 h", 3_600, 60, 60),
    Range("6h", "6 h", 6 * 3_600, 60, 600),
    Range("24h", "24 h", 24 * 3_600, 300, 1_800),
    Range("14d", "14 d", 14 * 86_400, 3_600, 6 * 3_600),
)


def range_of(slug: str) -> Range:
    """Return the range of that name, the first one for any other."""
    return next((each for each in RANGES if each.slug == slug), RANGES[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What was seen in a stretch that begins at ``at_s`` (Unix seconds). None: nobody looked, or it was not known.

    ``lag`` and ``behind_s`` are the highest of the stretch, rates its means.
    """

    at_s: int
    lag: int | None
    behind_s: float | None
    in_per_s: float | None
    out_per_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A history with a row for each ``step_s`` seconds; all lists are as long as ``at``."""

    step_s: int
    at: Sequence[int]
    lag: Sequence[int | None]
    behind_s: Sequence[float | None]
    consumed: Sequence[int | None]
    produced: Sequence[int | None]


def thinned(history: Columns, *, step_s: int) -> list[Point]:
    """Return the history in stretches of ``step_s``, the highest of each: a peak must not vanish in a long range."""
    found: dict[int, list[int]] = {}
    for index, at in enumerate(history.at):
        found.setdefault(at // step_s * step_s, []).append(index)
    return [_point(history, at, indexes) for at, indexes in found.items()]


def _point(history: Columns, at: int, indexes: Sequence[int]) -> Point:
    lags = [lag for index in indexes if (lag := history.lag[index]) is not None]
    behind = [s for index in indexes if (s := history.behind_s[index]) is not None]
    return Point(
        at_s=at,
        lag=max(lags, default=None),
        behind_s=max(behind, default=None),
        in_per_s=_per_s(history.produced, indexes, history.step_s),
        out_per_s=_per_s(history.consumed, indexes, history.step_s),
    )


def _per_s(counted: Sequence[int | None], indexes: Sequence[int], step_s: int) -> float | None:
    known = [count for index in indexes if (count := counted[index]) is not None]
    return round(sum(known) / (len(known) * step_s), 2) if known else None


def line(values: Sequence[float | None]) -> str:
    """Return the SVG path of values evenly spaced in a box of ``WIDTH`` x ``HEIGHT``; it breaks at None.

    A value alone between gaps is a stroke as wide as its stretch.
    """
    known = [value for value in values if value is not None]
    top = max(known, default=0) or 1
    step = WIDTH / max(len(values) - 1, 1)
    path, pen_down = [], False
    for index, value in enumerate(values):
        if value is None:
            pen_down = False
            continue
        x, y = index * step, HEIGHT - 2 - value * (HEIGHT - 4) / top
        path.append(f"{'L' if pen_down else 'M'}{x:.1f} {y:.1f}")
        alone = not pen_down and (index + 1 == len(values) or values[index + 1] is None)
        if alone:
            path.append(f"h{min(step, WIDTH - x) or -step:.1f}")
        pen_down = True
    return "".join(path)


def highest(values: Sequence[float | None]) -> float | None:
    """Return the highest value; None when none is known."""
    return max((value for value in values if value is not None), default=None)
