"""How often groups are looked at."""

from __future__ import annotations

import pytest

from reliability.lag.domain import schedule
from reliability.lag.domain.schedule import Budget
from reliability.lag.domain.values import WINDOW, Sample


def window(*marks: tuple[int, int]) -> list[Sample]:
    return [Sample(1_000.0 + at * 5.0, *mark) for at, mark in enumerate(marks)]


READ = [(50, 50)] * WINDOW


@pytest.mark.parametrize(
    ("marks", "end", "looks", "hot"),
    [
        (READ, 50, WINDOW, False),
        (READ, None, WINDOW, False),
        (READ, 50, WINDOW - 1, True),
        ([], None, 0, True),
        ([*READ[:9], (50, 51)], 51, WINDOW, True),
        (READ, 51, WINDOW, True),  # the end went on since
        ([*READ[:9], (60, 60)], 60, WINDOW, True),
        ([*READ[:8], (60, 60), (60, 60)], 60, WINDOW, False),
        ([], 500, WINDOW, False),  # never committed: no reason to look at it every few seconds for ever
        ([(50, 50)], 50, WINDOW, False),
    ],
    ids=[
        "read", "end not known", "new", "never seen", "lag", "end passed", "moved", "moved before", "no commit",
        "one sample",
    ],
)  # fmt: skip
def test_a_group_is_hot_while_something_happens(
    marks: list[tuple[int, int]], end: int | None, looks: int, hot: bool
) -> None:
    assert schedule.is_hot(window(*marks), end=end, looks=looks) is hot


@pytest.mark.parametrize(("failures", "wait_s"), [(1, 5.0), (2, 10.0), (3, 15.0), (10_000, 15.0)])
def test_a_cluster_that_fails_is_left_alone_longer_each_time(failures: int, wait_s: float) -> None:
    assert schedule.retry_s(failures=failures) == wait_s


@pytest.mark.parametrize(
    ("allowed", "planned", "stretch", "text"),
    [
        (600, {}, 1.0, "Nothing is asked."),
        (None, {1: 5_000.0}, 1.0, "5,000 requests a minute of broker 1; no limit is set."),
        (600, {1: 300.0, 2: 600.0}, 1.0, "600 requests a minute of broker 2, within the limit of 600."),
        (
            600,
            {1: 1_500.0, 2: 600.0},
            2.5,
            "1,500 requests a minute of broker 1 would exceed the limit of 600: intervals are 2.5 times longer.",
        ),
    ],
)
def test_a_plan_beyond_the_budget_stretches_the_intervals_and_says_so(
    allowed: float | None, planned: dict[int, float], stretch: float, text: str
) -> None:
    load = Budget(per_minute=allowed).load(planned)
    assert (load.stretch, load.text) == (stretch, text)


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="leave room"):
        Budget(per_minute=0)
