"""Standings of groups."""

from __future__ import annotations

import pytest

from dlq.domain import trend

CALM = [0.0] * 60
OLD_S = 86_400.0


def hour(*recent: float, before: float = 0.0) -> list[float]:
    return [before] * (60 - len(recent)) + list(recent)


@pytest.mark.parametrize(
    ("changes", "word", "status"),
    [
        ({"open_count": 0}, "Empty", "ok"),
        ({"open_count": 0, "replaying": 2}, "Replaying", "prog"),
        ({"open_count": 0, "quarantined": 2}, "Quarantined", "warn"),
        ({"points": CALM}, "Quiet", "warn"),
        ({"points": hour(0, 0, 1, 0, 0)}, "Failing", "crit"),
        ({"points": hour(1, 1, 1, 1, 1, before=1)}, "Failing", "crit"),
        ({"points": hour(3, 3, 3, 3, 3, before=1)}, "Rising", "crit"),
        ({"points": hour(3, 3, 3, 3, 3), "age_s": 30.0}, "New", "crit"),
        ({"points": hour(9, 9, 9, 9, 9), "age_s": 30.0, "cause": "dependency"}, "Outage", "crit"),
        ({"points": hour(1, 0, 0, 0, 0), "cause": "dependency"}, "Failing", "crit"),
    ],
)
def test_a_group_is_called_by_what_it_does(changes: dict[str, object], word: str, status: str) -> None:
    known = {"open_count": 3, "replaying": 0, "quarantined": 0, "cause": "bug", "age_s": OLD_S, "points": CALM}
    standing = trend.judge(**{**known, **changes})  # type: ignore[arg-type]  # a table of test values
    assert (standing.word, standing.status) == (word, status)


@pytest.mark.parametrize(
    ("cause", "per_minute", "is_cause"), [("dependency", 5, True), ("dependency", 4, False), ("bug", 500, False)]
)
def test_only_a_dependency_that_fails_many_now_is_a_cause_of_other_troubles(
    cause: str, per_minute: int, is_cause: bool
) -> None:
    points = hour(*[float(per_minute)] * 5)
    standing = trend.judge(open_count=25, replaying=0, quarantined=0, cause=cause, age_s=OLD_S, points=points)
    assert standing.is_cause is is_cause


@pytest.mark.parametrize(
    ("letters", "keys", "said"), [(4, 1, ""), (50, 1, "one key"), (40, 10, "few keys"), (40, 39, "many keys")]
)
def test_poison_is_told_from_outage_by_keys(letters: int, keys: int, said: str) -> None:
    assert trend.spread(letters=letters, keys=keys) == said


def test_a_constant_rate_of_a_young_group_is_not_called_rising() -> None:
    minutes_lived, per_minute = 12, 12.0
    points = [0.0] * (trend.MINUTES - minutes_lived) + [per_minute] * minutes_lived
    standing = trend.judge(
        open_count=144, replaying=0, quarantined=0, cause="format", age_s=minutes_lived * 60.0, points=points
    )
    assert standing.word == "Failing"
