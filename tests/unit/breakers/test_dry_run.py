"""What other rules would have made of the traffic on record."""

from __future__ import annotations

from reliability.breakers.domain.dry_run import dry_run
from reliability.breakers.domain.looks import Part
from reliability.breakers.domain.rules import Rules

RULES = Rules(window_s=30, minimum=20, open_s=15.0, ramp_s=20.0)


def traffic(*parts: tuple[int, int], slow: int = 0, rejected: int = 0) -> list[Part]:
    """Parts of ten seconds: calls, and how many of them failed."""
    return [
        Part(at=1000 + number * 10, calls=calls, failed=failed, slow=slow, rejected=rejected)
        for number, (calls, failed) in enumerate(parts)
    ]


def test_what_does_well_opens_nothing() -> None:
    found = dry_run(traffic(*[(50, 2)] * 20), RULES)
    assert (found.openings, found.calls, found.open_s, found.blind_s) == ((), 1000, 0, 0)


def test_an_outage_opens_once_until_traffic_does_well_again() -> None:
    found = dry_run(traffic(*[(50, 0)] * 3, *[(50, 45)] * 6, *[(50, 0)] * 8), RULES)
    (opening,) = found.openings
    assert opening.at == 1000 + 4 * 10, "half of three parts that failed"
    assert opening.why == "45 of 50 calls failed"
    assert 40 <= opening.lasted_s <= 120
    assert found.kept_back > 0


def test_a_lower_threshold_opens_where_a_higher_does_not() -> None:
    parts = traffic(*[(100, 20)] * 6, *[(100, 0)] * 10)
    assert dry_run(parts, RULES).openings == ()
    assert len(dry_run(parts, RULES.with_changes({"failure_rate": 0.15})).openings) == 1


def test_too_few_calls_open_nothing_but_a_row_of_failures_does() -> None:
    parts = traffic(*[(1, 1)] * 5, *[(1, 0)] * 20)
    assert dry_run(parts, RULES).openings == ()
    assert len(dry_run(parts, RULES.with_changes({"consecutive": 3})).openings) == 1


def test_slow_calls_open_it() -> None:
    assert len(dry_run(traffic(*[(30, 0)] * 5, slow=29), RULES).openings) == 1


def test_it_stays_open_longer_each_time_and_is_open_still_at_the_end() -> None:
    found = dry_run(traffic(*[(50, 50)] * 30), RULES)
    (opening,) = found.openings
    assert opening.at + opening.lasted_s == 1000 + 29 * 10


def test_time_in_which_calls_were_kept_back_is_said() -> None:
    assert dry_run(traffic((0, 0), (0, 0), rejected=5), RULES).blind_s == 20
