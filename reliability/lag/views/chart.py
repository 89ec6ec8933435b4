"""A picture of lag for a page: an SVG that needs no script, the same points for the script, the same as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from reliability.console.domain.values import TimelineRow
from reliability.lag.domain import charting, sentences
from reliability.lag.queries.charts import Picture

MARK_CHARS_MAX = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of the table."""

    at: datetime
    lag: str
    behind: str
    came: str
    went: str


def context(picture: Picture, happened: Sequence[TimelineRow], *, now: datetime) -> dict[str, Any]:
    """Return what the chart's template needs. Marks are what happened within the range, by machines and people."""
    points = picture.points
    lag, behind = [point.lag for point in points], [point.behind_s for point in points]
    marks = _marks(happened, points[0].at_s if points else int(now.timestamp()))
    return {
        "picture": picture,
        "ranges": charting.RANGES,
        "chart_data": orjson.dumps(
            {
                "at": [point.at_s for point in points],
                "lag": lag,
                "behind": behind,
                "in": [point.in_per_s for point in points],
                "out": [point.out_per_s for point in points],
                "marks": [[int(each.at.timestamp()), each.kind, each.status, _marked(each)] for each in marks],
            }
        ).decode(),
        "chart_lines": (charting.line(lag), charting.line(behind)),
        "chart_marks": [_x(each, points) for each in marks],
        "chart_told": told(picture),
        "chart_rows": [_line(point) for point in picture.rows],
        "chart_begins": datetime.fromtimestamp(points[0].at_s, UTC) if points else now,
    }


def told(picture: Picture) -> str:
    """Return the picture in a sentence."""
    if picture.is_empty:
        return f"Nothing is known of the last {picture.range.title}."
    lags = [point.lag for point in picture.points if point.lag is not None]
    behind = charting.highest([point.behind_s for point in picture.points])
    slow = "" if behind is None else f", at most {sentences.span(behind)} behind"
    last = "now" if picture.points[-1].lag is not None else "last known"
    return f"Lag of the last {picture.range.title}: {min(lags):,} to {max(lags):,} records{slow}, {last} {lags[-1]:,}."


def _marks(happened: Sequence[TimelineRow], since_s: int) -> list[TimelineRow]:
    return [each for each in happened if each.at.timestamp() >= since_s]


def _marked(row: TimelineRow) -> str:
    text = f"{row.who} {row.text}".strip()
    return text if len(text) <= MARK_CHARS_MAX else f"{text[: MARK_CHARS_MAX - 1]}…"


def _x(row: TimelineRow, points: Sequence[charting.Point]) -> tuple[float, str]:
    """Where a mark stands in the SVG, and its colour's word."""
    span_s = max(1, points[-1].at_s - points[0].at_s) if points else 1
    begins = points[0].at_s if points else 0
    x = (row.at.timestamp() - begins) / span_s * charting.WIDTH
    return round(min(max(x, 1), charting.WIDTH - 1), 1), "person" if row.kind == "person" else row.status


def _line(point: charting.Point) -> Line:
    return Line(
        at=datetime.fromtimestamp(point.at_s, UTC),
        lag=sentences.count(point.lag),
        behind=sentences.span(point.behind_s),
        came=sentences.rate(point.in_per_s),
        went=sentences.rate(point.out_per_s),
    )
