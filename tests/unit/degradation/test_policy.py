"""A policy step by step: what it takes to degrade, to come back, and what it does when nothing is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reliability.console.domain.conditions import Condition, Reading, WrongRule
from reliability.degradation.domain import packing
from reliability.degradation.domain.policy import Joined, Moved, Policy, State, Step, adapted, released, step
from reliability.degradation.domain.sentences import sentence

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BREAKER = Condition(signal="breaker.state", subject="payments", enter=2, exit=0, enter_for_s=5, exit_for_s=10)
LAG = Condition(
    signal="lag.seconds", subject="billing", enter=300, exit=60, enter_for_s=30, exit_for_s=30, fresh_s=20, unit="s"
)
HEALTH = Condition(signal="health", subject="stock", enter=0.5, exit=0.9)
POLICY = Policy(name="slow", flag="checkout", level=1, conditions=(BREAKER, LAG), dwell_s=20, flips_per_hour=4)


def at(second: float) -> datetime:
    return NOW + timedelta(seconds=second)


class Run:
    """A policy that is looked at."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.policy, self.state = policy, State()

    def __call__(self, second: float, **values: float | None) -> Step:
        keys = {name: key for key in self.policy.keys for name in (key[0].partition(".")[0],)}
        readings = {
            keys[name]: None if value is None else Reading(value=value, at=at(second)) for name, value in values.items()
        }
        done = step(self.state, self.policy, readings, now=at(second))
        self.state = done.state
        return done

    def every(self, seconds: range, **values: float) -> list[tuple[int, Moved]]:
        return [(second, done.moved) for second in seconds if (done := self(second, **values)).moved]


def test_it_degrades_when_one_was_bad_for_long_enough_and_comes_back_when_all_are_well() -> None:
    run = Run()
    assert run.every(range(0, 30), breaker=2, lag=10) == [(5, Moved.ENTERED)]
    assert run.every(range(30, 90), breaker=0, lag=61) == [], "between both thresholds nothing is said"
    assert run.every(range(90, 150), breaker=0, lag=60) == [(120, Moved.LEFT)]


def test_what_was_measured_is_the_reason() -> None:
    run = Run()
    done = [run(second, breaker=2, lag=10) for second in range(6)][-1]
    assert done.why == "breaker.state of payments has been 2 for 5 s"
    one = Run(replace(POLICY, conditions=(HEALTH,)))
    assert one(0, health=0.4).why == "health of stock is 0.4"


def test_of_all_one_is_not_enough_and_one_that_is_well_brings_it_back() -> None:
    run = Run(replace(POLICY, joined=Joined.ALL))
    assert run.every(range(0, 60), breaker=2, lag=10) == []
    assert run.every(range(60, 100), breaker=2, lag=400) == [(90, Moved.ENTERED)]
    assert run.every(range(100, 150), breaker=0, lag=400) == [(110, Moved.LEFT)]


def test_low_is_bad_where_the_way_back_is_higher() -> None:
    run = Run(replace(POLICY, conditions=(HEALTH,), dwell_s=0))
    moves = [run(second, health=value).moved for second, value in enumerate([0.6, 0.5, 0.89, 0.9])]
    assert moves == [Moved.NOTHING, Moved.ENTERED, Moved.NOTHING, Moved.LEFT]


def test_a_short_trouble_begins_anew_each_time() -> None:
    run = Run()
    for second in range(100):
        assert not run(second, breaker=2 if second % 5 else 0, lag=10).moved


def test_it_stays_for_its_dwell_whatever_is_measured() -> None:
    run = Run(replace(POLICY, dwell_s=60))
    assert run.every(range(0, 6), breaker=2, lag=10) == [(5, Moved.ENTERED)]
    assert run.every(range(6, 65), breaker=0, lag=10) == []
    assert run(64, breaker=0, lag=10).waits == "it stays for 1 s more, whatever is measured"
    assert run(65).moved is Moved.LEFT


def test_silence_neither_degrades_nor_brings_back_and_is_said() -> None:
    run = Run()
    for second in (0, 4):
        run(second, breaker=2, lag=10)
    for second in range(5, 60):
        assert not run(second, breaker=None).moved, "nothing new was heard: it was not bad for 5 s"
    assert run.every(range(100, 110), breaker=2, lag=10) == [(105, Moved.ENTERED)]
    for second in range(110, 400):
        silent = run(second, breaker=0)
        assert not silent.moved
    assert silent.unknown == ("lag.seconds of billing",)
    assert silent.waits == "nothing is known of lag.seconds of billing, so it stays as it is"


def test_a_value_that_is_old_is_none_and_the_same_sample_again_is_no_new_one() -> None:
    run, old = Run(), Reading(value=900, at=at(-21))
    for second in range(60):
        assert not step(run.state, POLICY, {("lag.seconds", "billing"): old}, now=at(second)).moved
    same = Reading(value=900, at=at(0))
    for second in range(60):
        done = step(run.state, POLICY, {("lag.seconds", "billing"): same}, now=at(second))
        run.state = done.state
        assert not done.moved


def test_a_run_with_a_gap_in_it_begins_anew() -> None:
    run = Run()
    run(0, lag=400)
    assert not run(40, lag=400).moved, "of 40 s only two instants are known"
    assert run.every(range(41, 80), lag=400) == [(70, Moved.ENTERED)]


def test_when_its_budget_is_spent_it_stays_and_asks_until_it_is_released() -> None:
    run = Run(replace(POLICY, conditions=(HEALTH,), dwell_s=0, flips_per_hour=3))
    moves = [run(second, health=second % 2).moved for second in range(8)]
    assert moves == [Moved.ENTERED, Moved.LEFT, Moved.ENTERED, Moved.HELD] + [Moved.NOTHING] * 4
    assert run.state.entered
    assert run(4_000, health=1).waits == "its budget of changes is spent: a person decides"
    run.state = released(run.state)
    assert run(4_001, health=1).moved is Moved.LEFT


def test_an_hour_later_its_budget_is_whole_again() -> None:
    run = Run(replace(POLICY, conditions=(HEALTH,), dwell_s=0, flips_per_hour=2))
    assert [run(second, health=second % 2).moved for second in (0, 1)] == [Moved.ENTERED, Moved.LEFT]
    assert [run(second, health=second % 2).moved for second in (3600, 3601)] == [Moved.ENTERED, Moved.LEFT]
    assert run(3602, health=0).moved is Moved.HELD


def test_a_clock_that_is_set_back_moves_nothing_by_itself() -> None:
    run = Run()
    assert run.every(range(1000, 1010), breaker=2, lag=10) == [(1005, Moved.ENTERED)]
    assert not run(0, breaker=0, lag=10).moved
    assert run.every(range(1, 1100), breaker=0, lag=10) == [(1025, Moved.LEFT)], "after its dwell"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 1e308])
def test_strange_numbers_break_nothing(value: float) -> None:
    run = Run(replace(POLICY, conditions=(HEALTH,)))
    assert run(0, health=value).moved is (Moved.ENTERED if value == float("-inf") else Moved.NOTHING)


def test_a_changed_policy_keeps_what_it_knows_of_conditions_that_are_the_same() -> None:
    run = Run()
    run.every(range(0, 4), breaker=2, lag=10)
    changed = replace(POLICY, conditions=(HEALTH, BREAKER))
    state = adapted(run.state, POLICY, changed)
    assert [each.value for each in state.runs] == [None, 2]
    with pytest.raises(ValueError, match="other conditions"):
        step(run.state, replace(POLICY, conditions=(HEALTH,)), {}, now=NOW)


def test_it_is_a_sentence() -> None:
    assert sentence(POLICY, level_name="cash only") == (
        "checkout goes to level 1 (cash only) when any of these holds: breaker.state of payments is 2 or more for 5 s "
        "or lag.seconds of billing is 300 s or more for 30 s; it comes back when all of these hold: breaker.state of "
        "payments is 0 or less for 10 s and lag.seconds of billing is 60 s or less for 30 s. It stays there for 20 s "
        "at the least. After 4 changes within an hour it stays as it is and asks for a person. A signal that says "
        "nothing moves nothing."
    )
    single = sentence(replace(POLICY, conditions=(HEALTH,), dwell_s=120))
    assert "when health of stock is 0.5 or less; it comes back when health of stock is 0.9 or more." in single
    assert "for 2 min at the least" in single


def test_policies_and_states_are_the_same_after_they_were_text() -> None:
    run = Run()
    run.every(range(0, 9), breaker=2, lag=10)
    assert packing.policy_read(packing.policy_as_json(POLICY)) == POLICY
    assert packing.state_read(packing.state_as_json(run.state)) == run.state
    assert packing.state_read({}) == State()


GOOD: dict[str, Any] = packing.policy_as_json(POLICY)
LINE: dict[str, Any] = GOOD["conditions"][0]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "is an object"),
        ({**GOOD, "when": 1}, "has no 'when'"),
        ({**GOOD, "name": "Slow"}, "small letters"),
        ({**GOOD, "level": 0}, "at 0 nothing is lost"),
        ({**GOOD, "level": True}, "whole number"),
        ({**GOOD, "joined": "none"}, "any or all"),
        ({**GOOD, "joined": []}, "any or all"),
        ({**GOOD, "conditions": []}, "1 to 20"),
        ({**GOOD, "conditions": [LINE, LINE]}, "once"),
        ({**GOOD, "conditions": "x"}, "list of objects"),
        ({**GOOD, "conditions": ["x"]}, "is an object"),
        ({**GOOD, "conditions": [{"signal": "x", "enter": 1}]}, "has no exit"),
        ({**GOOD, "conditions": [{**LINE, "exit": 2}]}, "flap"),
        ({**GOOD, "conditions": [{**LINE, "enter": "2"}]}, "it is a number"),
        ({**GOOD, "conditions": [{**LINE, "enter": 10**400}]}, "too large"),
        ({**GOOD, "conditions": [{**LINE, "enter": float("nan")}]}, "are numbers"),
        ({**GOOD, "conditions": [{**LINE, "enter_for_s": -1}]}, "enter_for_s"),
        ({**GOOD, "conditions": [{**LINE, "fresh_s": 0}]}, "fresh_s"),
        ({**GOOD, "conditions": [{**LINE, "signal": ""}]}, "names a signal"),
        ({**GOOD, "dwell_s": -1}, "dwell_s"),
        ({**GOOD, "flips_per_hour": 1}, "2 to 60"),
    ],
)
def test_what_is_no_policy_is_told_what_it_has_to_be(given: object, says: str) -> None:
    with pytest.raises(WrongRule, match=says):
        packing.policy_read(given)
