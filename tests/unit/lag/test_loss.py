"""When records and commits will be gone."""

from __future__ import annotations

import pytest

from reliability.lag.domain import loss
from reliability.lag.domain.loss import Forecast
from reliability.lag.domain.time_lag import TimeLag

HOUR_S = 3_600.0
STALLED: dict[str, object] = {
    "time_lag": TimeLag(HOUR_S, at_least=False),
    "growth": 1.0,
    "retention_s": 24 * HOUR_S,
    "margin": None,
    "start_rate": None,
    "commit_rate": None,
}
BY_SIZE = {"retention_s": None, "margin": 10_000, "start_rate": 100.0, "commit_rate": 0.0}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Forecast(23 * HOUR_S, "time", at_most=False)),
        ({"growth": 0.5}, Forecast(46 * HOUR_S, "time", at_most=False)),
        ({"growth": 3.0}, Forecast(23 * HOUR_S, "time", at_most=False)),
        ({"growth": 0.0}, None),
        ({"growth": -1.0}, None),
        ({"growth": None}, None),
        ({"retention_s": None}, None),
        ({"time_lag": None}, None),
        ({"time_lag": TimeLag(0.0, at_least=False)}, None),
        ({"time_lag": TimeLag(2 * HOUR_S, at_least=True)}, Forecast(22 * HOUR_S, "time", at_most=True)),
        ({"time_lag": TimeLag(25 * HOUR_S, at_least=False)}, Forecast(0.0, "time", at_most=False)),
        ({"time_lag": TimeLag(25 * HOUR_S, at_least=False), "growth": -1.0}, Forecast(0.0, "time", at_most=False)),
        (BY_SIZE, Forecast(100.0, "size", at_most=False)),
        ({**BY_SIZE, "commit_rate": 60.0}, Forecast(250.0, "size", at_most=False)),
        ({**BY_SIZE, "commit_rate": 100.0}, None),
        ({**BY_SIZE, "start_rate": 0.0}, None),
        ({**BY_SIZE, "start_rate": None}, None),
        ({**BY_SIZE, "margin": -5}, Forecast(0.0, "size", at_most=False)),
        ({**BY_SIZE, "retention_s": 24 * HOUR_S}, Forecast(100.0, "size", at_most=False)),
        ({**BY_SIZE, "retention_s": HOUR_S + 10}, Forecast(10.0, "time", at_most=False)),
    ],
)
def test_the_sooner_of_age_and_size_deletes_the_first_unread_record(
    changes: dict[str, object], expected: Forecast | None
) -> None:
    found = loss.forecast(**{**STALLED, **changes})  # type: ignore[arg-type]  # a table of test values
    assert found == expected


@pytest.mark.parametrize(
    ("empty_since_s", "kept_s", "expected"),
    [(None, 600.0, None), (1_000.0, None, None), (1_000.0, 600.0, 500.0), (1_000.0, 50.0, 0.0)],
)
def test_commits_of_an_empty_group_expire(
    empty_since_s: float | None, kept_s: float | None, expected: float | None
) -> None:
    assert loss.expiry_s(empty_since_s=empty_since_s, offsets_kept_s=kept_s, now_s=1_100.0) == expected
