"""How fast a group reads is told by the times in which more waited than it read."""

from __future__ import annotations

from reliability.lag.domain.pace import under_load


def test_who_keeps_up_shows_what_comes_in_and_not_what_it_can() -> None:
    assert under_load([3, 2, 4, 3], [24, 24, 24, 24], step_s=60) is None


def test_a_backlog_that_is_worked_off_shows_it() -> None:
    lag, consumed = [3, 900, 660, 420, 180, 2], [24, 0, 240, 240, 240, 200]
    assert under_load(lag, consumed, step_s=60) == 4.0, "neither the minute it stood still nor the last one"


def test_a_short_backlog_behind_a_stop_is_told_by_its_full_minute() -> None:
    lag, consumed = [2, 60, 120, 402, 310, 76], [60, 10, 0, 0, 92, 234]
    assert under_load(lag, consumed, step_s=60) == 3.9, "it was started in the middle of a minute"


def test_who_commits_once_in_ten_minutes_reads_in_all_of_them() -> None:
    lag, consumed = [90_000], [0]
    for _ in range(3):
        lag += [lag[-1]] * 9 + [lag[-1] - 6_000]
        consumed += [0] * 9 + [6_000]
    assert under_load(lag, consumed, step_s=60) == 10.0


def test_gaps_and_commits_that_somebody_set_say_nothing() -> None:
    assert under_load([None, 20, None, 400], [None, 100, 240, 200], step_s=60) is None
    assert under_load([900, 660, 0], [0, 240, 660], step_s=60, without={2}) == 4.0
    assert under_load([], [], step_s=60) is None
