"""Slopes, their words, and drains that end when they were said to."""

from __future__ import annotations

import random
from collections import deque
from statistics import median

import pytest

from reliability.lag.domain import trend
from reliability.lag.domain.trend import Direction, Point

NOON = 1_800_000_000.0


def line(start: float, per_s: float, looks: int = 10, *, every_s: float = 5.0) -> list[Point]:
    return [(NOON + at * every_s, start + per_s * at * every_s) for at in range(looks)]


def saw(mean: float, teeth: float, looks: int = 10) -> list[Point]:
    return [(NOON + at * 5.0, mean + teeth * (at % 3 - 1)) for at in range(looks)]


@pytest.mark.parametrize("per_s", [-250.0, -0.5, 0.0, 3.25, 1e6])
def test_a_line_has_its_slope(per_s: float) -> None:
    assert trend.slope(line(1e6, per_s)) == pytest.approx(per_s, abs=1e-6)


@pytest.mark.parametrize("points", [[], line(5, 1, 2), [(NOON, 1.0)] * 5], ids=["none", "two", "at one instant"])
def test_too_few_points_have_no_slope(points: list[Point]) -> None:
    assert trend.slope(points) is None
    assert trend.direction(points) is None
    assert trend.eta_s(100, points) is None


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (line(1_000, 20), Direction.GROWING),
        (line(10_000, -20), Direction.SHRINKING),
        (line(1_000, 0), Direction.STEADY),
        (line(0, 0), Direction.STEADY),
        (line(1_000_000, -20), Direction.STEADY),  # 900 of a million in 45 s
        (line(1_000_000, 20), Direction.STEADY),
        (saw(1_000, 500), Direction.STEADY),
        (saw(1_000, 500, 60), Direction.STEADY),
    ],
)
def test_a_direction_is_told_apart_from_noise(points: list[Point], expected: Direction) -> None:
    assert trend.direction(points) is expected


def drain(
    *, seed: int, came: float, went: float, stalled_s: float = 0.0, batch_s: float = 5.0
) -> tuple[list[Point], float]:
    """Looks every 5 s, give or take, at a consumer that commits in batches; and when it will have read everything."""
    chance = random.Random(seed)
    over_s = 400.0
    lag, phase = over_s * (went - came), chance.random() * batch_s
    points, at_s = [], -stalled_s
    while at_s < over_s * 0.8:
        at_s += 5.0 * chance.uniform(0.9, 1.1)
        batches_s = phase + (at_s - phase) // batch_s * batch_s
        points.append((NOON + at_s, lag + came * at_s - max(0.0, went * batches_s)))
    return points, NOON + over_s


@pytest.mark.parametrize("stalled_s", [0.0, 300.0], ids=["drain", "recovery"])
@pytest.mark.parametrize(("came", "went"), [(0.0, 100.0), (50.0, 150.0), (100.0, 200.0), (1_000.0, 1_500.0)])
@pytest.mark.parametrize("points_kept", [20, 60])
def test_a_steady_drain_ends_when_it_was_said_to(came: float, went: float, stalled_s: float, points_kept: int) -> None:
    errors, silent = [], 0
    for seed in range(30):
        points, over_s = drain(seed=seed, came=came, went=went, stalled_s=stalled_s)
        for at, (at_s, lag) in enumerate(points):
            told = trend.eta_s(lag, points[max(0, at + 1 - points_kept) : at + 1]) if at_s >= NOON + 30 else 0.0
            if told is None:
                silent += 1
            elif at_s >= NOON + 30:
                errors.append(abs(told - (over_s - at_s)) / (over_s - at_s))
    assert median(errors) < 0.1
    assert sum(error <= 0.3 for error in errors) >= 0.98 * len(errors)
    assert silent < 0.1 * (silent + len(errors))


def test_a_recovery_has_an_eta_within_half_a_minute() -> None:
    firsts = []
    for seed in range(30):
        points, _ = drain(seed=seed, came=100.0, went=200.0, stalled_s=300.0)
        firsts.append(
            next(
                at_s - NOON
                for at, (at_s, lag) in enumerate(points)
                if at_s > NOON and trend.eta_s(lag, points[: at + 1]) is not None
            )
        )
    assert median(firsts) <= 30


@pytest.mark.parametrize("batch_s", [3.0, 7.0])
def test_what_is_read_and_not_yet_committed_is_not_waited_for(batch_s: float) -> None:
    """By the line alone these drains would seem to take 9 and 19 percent longer than they do."""
    ratios = []
    for seed in range(30):
        points, over_s = drain(seed=seed, came=1_000.0, went=1_300.0, batch_s=batch_s)
        told = trend.eta_s(points[-1][1], points[-60:])
        if told is not None:
            ratios.append(told / (over_s - points[-1][0]))
    assert len(ratios) >= 25
    assert median(ratios) == pytest.approx(1.0, abs=0.05)


def test_a_drain_that_is_sure_has_no_eta_while_its_pace_is_in_doubt() -> None:
    points = [(at_s, lag + (-250, 200, 50)[at % 3]) for at, (at_s, lag) in enumerate(line(10_000, -20))]
    assert trend.direction(points) is Direction.SHRINKING
    assert trend.eta_s(points[-1][1], points) is None


@pytest.mark.parametrize(
    ("lag", "points", "expected"),
    [
        (0, line(1_000, 20), 0.0),
        (1_900, line(1_000, 20), None),
        (1_000, line(1_000, 0), None),
        (9_100, line(10_000, -20), 455.0),
        (1_000, saw(1_000, 500), None),
    ],
    ids=["nothing waits", "grows", "stands", "drains", "saws"],
)
def test_only_what_shrinks_has_an_eta(lag: float, points: list[Point], expected: float | None) -> None:
    assert trend.eta_s(lag, points) == (expected if expected is None else pytest.approx(expected))


def test_points_may_be_a_queue() -> None:
    points = line(10_000, -20)
    queue = deque(points, maxlen=10)
    assert trend.eta_s(9_100, queue) == trend.eta_s(9_100, points)
    assert trend.direction(queue) is Direction.SHRINKING
    assert trend.rate(queue) is None  # a counter that goes back at every look


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([5], None),
        ([5, 10], 1.0),
        ([5, 5, 5], 0.0),
        ([5, 10, 30], 2.5),
        ([500, 600, 0, 10], 2.0),  # the topic was made anew
        ([500, 600, 0], None),
    ],
)
def test_a_counter_has_a_rate(values: list[float], expected: float | None) -> None:
    assert trend.rate([(NOON + at * 5.0, value) for at, value in enumerate(values)]) == expected
