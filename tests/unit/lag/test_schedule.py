"""How often groups are looked at."""

from __future__ import annotations

import pytest

from reliability.lag.domain import schedule
from reliability.lag.domain.schedule import Budget, Intervals
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


def test_a_hot_group_is_due_after_the_hot_interval() -> None:
    assert schedule.next_due_s(last_s=1_000.0, hot=True) == 1_005.0
    assert schedule.next_due_s(last_s=1_000.0, hot=True, stretch=3.0) == 1_015.0


@pytest.mark.parametrize("phase", [0.0, 0.25, 0.999])
@pytest.mark.parametrize("stretch", [1.0, 2.5])
def test_a_quiet_group_keeps_to_its_own_second(phase: float, stretch: float) -> None:
    every_s = 60.0 * stretch
    due_s = schedule.next_due_s(last_s=1_003.0, hot=False, phase=phase, stretch=stretch)
    assert 5.0 * stretch <= due_s - 1_003.0 <= every_s + 5.0 * stretch
    assert schedule.next_due_s(last_s=due_s, hot=False, phase=phase, stretch=stretch) == pytest.approx(due_s + every_s)


def test_groups_that_turn_quiet_at_once_are_spread() -> None:
    due = [schedule.next_due_s(last_s=1_000.0, hot=False, phase=at / 600) for at in range(600)]
    in_a_second = [sum(1 for each in due if second <= each < second + 1) for second in range(1_000, 1_066)]
    assert max(in_a_second) <= 20


@pytest.mark.parametrize(("failures", "wait_s"), [(1, 5.0), (2, 10.0), (3, 20.0), (4, 40.0), (5, 60.0), (10_000, 60.0)])
def test_a_cluster_that_fails_is_left_alone_longer_each_time(failures: int, wait_s: float) -> None:
    assert schedule.retry_s(failures=failures) == wait_s


def test_requests_a_minute_follow_from_the_intervals() -> None:
    assert schedule.per_minute(hot=10, quiet=60, fixed=2) == 12 * 12 + 60
    assert schedule.per_minute(hot=10, quiet=0, intervals=Intervals(hot_s=1.0)) == 600


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


def test_stretched_intervals_keep_within_the_budget() -> None:
    intervals = Intervals()
    planned = schedule.per_minute(hot=100, quiet=900, intervals=intervals)
    stretch = Budget(per_minute=700).load({1: planned}).stretch
    longer = Intervals(hot_s=intervals.hot_s * stretch, quiet_s=intervals.quiet_s * stretch)
    assert schedule.per_minute(hot=100, quiet=900, intervals=longer) == pytest.approx(700)


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="leave room"):
        Budget(per_minute=0)
