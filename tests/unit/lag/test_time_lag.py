"""Lag in seconds."""

from __future__ import annotations

import pytest

from reliability.lag.domain.end_track import EndTrack
from reliability.lag.domain.time_lag import TimeLag, time_lag


def track(*points: tuple[int, float]) -> EndTrack:
    made = EndTrack()
    for end, at_s in points:
        made.add(end, at_s)
    return made


@pytest.mark.parametrize(
    ("looks", "committed", "now_s", "expected"),
    [
        ([], 5, 100.0, None),
        ([(99, 100.0)], 99, 105.0, TimeLag(0.0, at_least=False)),
        ([(99, 100.0)], 120, 105.0, TimeLag(0.0, at_least=False)),  # a commit read after the end
        ([(99, 100.0)], 98, 105.0, TimeLag(5.0, at_least=True)),
        ([(0, 0.0), (99, 100.0)], 49, 105.0, TimeLag(55.0, at_least=False)),
        ([(0, 0.0), (99, 100.0)], -5, 105.0, TimeLag(105.0, at_least=True)),
        ([(0, 0.0), (99, 100.0)], 98, 50.0, TimeLag(0.0, at_least=False)),  # a clock that went back
    ],
)
def test_the_oldest_unread_record_tells_how_far_behind(
    looks: list[tuple[int, float]], committed: int, now_s: float, expected: TimeLag | None
) -> None:
    assert time_lag(track(*looks), committed, now_s=now_s) == expected


def test_a_slow_topic_that_is_read_at_once_never_looks_slow() -> None:
    """A record a minute, read within the next look: never more than half a look late (kafka-lag-exporter#353)."""
    watched, lags = EndTrack(), []
    for look in range(1_000):
        end = look // 12
        watched.add(end, look * 5.0)
        committed = (look - 1) // 12 if look else 0
        found = time_lag(watched, committed, now_s=look * 5.0)
        assert found is not None
        lags.append(found.seconds)
    assert max(lags) == 2.5


def test_a_stopped_reader_falls_back_by_a_second_a_second() -> None:
    watched = track(*((look * 100, look * 5.0) for look in range(20)))
    lags = [time_lag(watched, 500, now_s=now_s) for now_s in (100.0, 160.0)]
    assert lags[0] is not None
    assert lags[1] is not None
    assert lags[1].seconds - lags[0].seconds == pytest.approx(60.0)
