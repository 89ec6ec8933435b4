"""The ramp of a run: canaries, the rate, and the window of what is on its way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dlq.domain import ramp
from dlq.domain.ramp import Allowance, Pace, Traffic

NOW = datetime(2026, 1, 1, tzinfo=UTC)
START = Pace(step=0, base=0, credit=1.0, at=NOW)
FULL = Pace(step=len(ramp.CANARY), base=0, credit=0.0, at=NOW)


def allow(
    pace: Pace, *, fed: int = 0, unsent: int = 0, unjudged: int = 0, rate: float = 100.0, after_s: float = 1.0
) -> Allowance:
    traffic = Traffic(fed=fed, unsent=unsent, unjudged=unjudged, last_sent_at=NOW if fed > unsent else None)
    return ramp.allowance(pace, traffic, rate=rate, patience_s=5, now=NOW + timedelta(seconds=after_s))


def test_it_begins_with_one() -> None:
    allowed = allow(START)
    assert (allowed.count, allowed.note) == (1, "canary 1")


def test_it_waits_for_the_outcome_of_a_canary() -> None:
    allowed = allow(START, fed=1, unjudged=1)
    assert (allowed.count, allowed.note) == (0, "canary 1, waiting for outcomes")


def test_while_nothing_is_sent_it_waits_for_the_outbox_and_says_so() -> None:
    assert allow(START, fed=1, unsent=1, unjudged=1).note == "canary 1, waiting for the outbox"
    second = Pace(step=1, base=0, credit=9, at=NOW)
    assert allow(second, fed=6, unsent=1, unjudged=3).note == "canary 2, waiting for outcomes"


def test_it_takes_the_next_step_when_the_outcome_is_known() -> None:
    assert allow(START, fed=1).count == 5


def test_it_takes_the_next_step_when_nothing_is_heard_for_long() -> None:
    assert allow(START, fed=1, unjudged=1, after_s=4.9).count == 0
    assert allow(START, fed=1, unjudged=1, after_s=5.0).count == 5


def test_patience_does_not_begin_before_everything_is_sent() -> None:
    assert allow(Pace(step=1, base=0, credit=9, at=NOW), fed=6, unsent=1, unjudged=3, after_s=60).count == 0


def test_after_the_canaries_the_rate_decides() -> None:
    allowed = allow(FULL, fed=126, rate=30, after_s=1)
    assert (allowed.count, allowed.note) == (30, "")


def test_a_long_pause_earns_no_flood() -> None:
    assert allow(FULL, fed=126, rate=30, after_s=3_600).count == 60


def test_a_slow_rate_still_sends() -> None:
    assert allow(FULL, fed=126, rate=0.5, after_s=1).count == 0
    assert allow(FULL, fed=126, rate=0.5, after_s=2).count == 1


def test_a_run_that_stopped_by_itself_begins_the_ramp_anew() -> None:
    assert allow(Pace(step=0, base=500, credit=100, at=NOW), fed=500, unjudged=0).count == 1


@given(rate=st.floats(0.1, 1_000), unsent=st.integers(0, 400), after_s=st.floats(0, 10_000))
def test_it_never_has_more_than_two_seconds_of_its_rate_on_the_way(rate: float, unsent: int, after_s: float) -> None:
    allowed = allow(FULL, fed=1_000, unsent=unsent, unjudged=unsent, rate=rate, after_s=after_s)
    assert allowed.count == 0 or unsent + allowed.count <= min(200, max(1, rate * 2))


@given(rate=st.floats(0.1, 1_000), looks=st.lists(st.floats(0.01, 3), min_size=1, max_size=50))
def test_over_time_it_keeps_its_rate(rate: float, looks: list[float]) -> None:
    pace, at, fed = FULL, NOW, 126
    for wait_s in looks:
        at += timedelta(seconds=wait_s)
        traffic = Traffic(fed=fed, unsent=0, unjudged=0, last_sent_at=None)
        allowed = ramp.allowance(pace, traffic, rate=rate, patience_s=5, now=at)
        pace, fed = allowed.pace, fed + allowed.count
    assert fed - 126 <= rate * (at - NOW).total_seconds() + 1e-6


def test_a_thousand_letters_pass_all_canaries_at_once_when_outcomes_come_at_once() -> None:
    pace, fed, looks = START, 0, 0
    while fed < 1_000:
        looks += 1
        allowed = allow(pace, fed=fed, rate=200, after_s=looks)
        pace, fed = allowed.pace, fed + allowed.count
    assert looks <= 10


def test_it_tells_how_long_a_run_takes_at_least_and_at_most() -> None:
    assert ramp.duration_s(items=1_000, rate=100, patience_s=5) == (10, 30)
    assert ramp.duration_s(items=1, rate=100, patience_s=5) == (0.01, 0.01)
