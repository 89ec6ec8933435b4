"""A group's history as a picture wants it: thinned to its range, its last point that of the last look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from reliability import access
from reliability.lag.domain import charting
from reliability.lag.domain.charting import Columns, Point, Range
from reliability.lag.queries import series
from reliability.lag.queries.rows import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Points of one range, and rows of the same for its table."""

    range: Range
    points: list[Point]
    rows: list[Point]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of all that time."""
        return all(point.lag is None for point in self.points)


def of_group(*, actor: access.Actor, row: Row, asked: Range, now: datetime, topic: str = "") -> Picture:
    """Return a group's lag over a range until now, of the topics the account may see, or of one of them."""
    # A step less than the range, so that 24 hours ago is not a moment before the finer table begins.
    since = now - timedelta(seconds=asked.span_s - 60)
    chart = series.chart(group_id=row.id, since=since, until=now, allowed=access.visible_topics(actor), topic=topic)
    columns = Columns(
        step_s=chart.step_s,
        at=chart.at,
        lag=chart.lag,
        behind_s=chart.lag_s,
        consumed=chart.consumed,
        produced=chart.produced,
    )
    points = _until_known(charting.thinned(columns, step_s=max(asked.step_s, chart.step_s)))
    rows = _until_known(charting.thinned(columns, step_s=max(asked.rows_s, chart.step_s)))
    if not topic and row.gone_at is None and now - row.polled_at < timedelta(seconds=2 * asked.step_s + 60):
        last = Point(
            at_s=int(row.polled_at.timestamp()), lag=row.lag, behind_s=row.lag_s, in_per_s=None, out_per_s=None
        )
        points = [*(point for point in points if point.at_s < last.at_s), last]
    return Picture(range=asked, points=points, rows=[each for each in reversed(rows) if each.lag is not None])


def _until_known(points: list[Point]) -> list[Point]:
    """Without the stretches at the end that are not written yet: they are no gap, they are now."""
    last = max((place for place, point in enumerate(points) if point.lag is not None), default=len(points) - 1)
    return points[: last + 1] if len(points) - 1 - last <= 2 else points
