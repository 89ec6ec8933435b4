"""A history as a picture: peaks stay, gaps stay gaps."""

from __future__ import annotations

import pytest

from reliability.lag.domain import charting
from reliability.lag.domain.charting import Columns


def columns(lag: list[int | None], *, step_s: int = 60, at: int = 600) -> Columns:
    count = len(lag)
    return Columns(
        step_s=step_s,
        at=[at + place * step_s for place in range(count)],
        lag=lag,
        behind_s=[None if each is None else float(each) for each in lag],
        consumed=[None if each is None else 60 for each in lag],
        produced=[None if each is None else 120 for each in lag],
    )


def test_a_peak_is_seen_in_a_longer_range() -> None:
    points = charting.thinned(columns([1, 900, 2, 3, 4, 5, 6, 7, 8, 9]), step_s=300)
    assert [(point.at_s, point.lag) for point in points] == [(600, 900), (900, 9)]


def test_rates_are_of_the_minutes_that_were_seen() -> None:
    (point,) = charting.thinned(columns([1, None, None, 1, None]), step_s=300)
    assert (point.in_per_s, point.out_per_s) == (2.0, 1.0)


def test_a_stretch_in_which_nobody_looked_is_not_known() -> None:
    first, second = charting.thinned(columns([None] * 5 + [7] * 5), step_s=300)
    assert (first.lag, first.behind_s, first.in_per_s) == (None, None, None)
    assert second.lag == 7


@pytest.mark.parametrize(
    ("values", "strokes"),
    [([1, 2, 3], 1), ([1, None, 3], 2), ([None, None], 0), ([], 0), ([1, 2, None, 4, 5, None, 6], 3), ([0.0, 0.0], 1)],
)
def test_a_line_breaks_where_nobody_looked(values: list[float | None], strokes: int) -> None:
    assert charting.line(values).count("M") == strokes


def test_a_value_alone_is_seen() -> None:
    assert charting.line([None, 5, None]) == "M500.0 2.0h500.0"
    assert charting.line([None, 5]).endswith("h-1000.0"), "also at the very end"


def test_the_highest_value_touches_the_top_and_zero_the_floor() -> None:
    assert charting.line([0, 10]) == "M0.0 198.0L1000.0 2.0"


@pytest.mark.parametrize(("slug", "title"), [("1h", "1 h"), ("14d", "14 d"), ("", "1 h"), ("x", "1 h")])
def test_a_range_that_is_none_is_the_first(slug: str, title: str) -> None:
    assert charting.range_of(slug).title == title


def test_no_range_has_more_points_than_a_screen_shows() -> None:
    assert all(each.span_s // each.step_s <= 400 for each in charting.RANGES)
    assert all(each.span_s // each.rows_s <= 72 for each in charting.RANGES), "a table that somebody reads"
