"""A dry run says what the living machine would have done."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from reliability.console.domain.conditions import Condition, Reading
from reliability.degradation.domain.policy import Moved, Policy, State, step
from reliability.degradation.domain.rehearsal import Recorded, rehearse

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = ("lag.seconds", "billing")
LAG = Condition(
    signal="lag.seconds", subject="billing", enter=300, exit=60, enter_for_s=30, exit_for_s=30, fresh_s=20, unit="s"
)
POLICY = Policy(name="slow", flag="checkout", level=1, conditions=(LAG,), dwell_s=120, flips_per_hour=4)


def at(second: float) -> datetime:
    return NOW + timedelta(seconds=second)


def was(value: float, first: float, last: float) -> Recorded:
    return Recorded(key=KEY, value=value, first=at(first), last=at(last))


def test_it_says_when_for_how_long_and_why() -> None:
    known = [was(10, 0, 99), was(400, 100, 199), was(50, 200, 900)]
    done = rehearse(POLICY, known, begins=at(0), ends=at(1000))
    (spell,) = done.spells
    assert (spell.since, spell.until) == (at(130), at(250)), "left when its dwell was over"
    assert (spell.why, done.degraded_s) == ("lag.seconds of billing has been 400 s for 30 s", 120)
    assert done.sentence == "It would have degraded once, for 120 s in all."


def test_what_lasts_beyond_the_end_counts_to_the_end() -> None:
    done = rehearse(POLICY, [was(400, 0, 500)], begins=at(0), ends=at(300))
    assert [(each.since, each.until) for each in done.spells] == [(at(30), None)]
    assert done.degraded_s == 270


def test_nothing_recorded_is_not_the_same_as_nothing_happened() -> None:
    silent = rehearse(POLICY, [], begins=at(0), ends=at(300))
    assert silent.unheard == ("lag.seconds of billing",)
    assert silent.sentence.startswith("Nothing is recorded")
    quiet = rehearse(POLICY, [was(1, 0, 300)], begins=at(0), ends=at(300))
    assert quiet.sentence == "It would have degraded never."


def test_a_flapping_signal_would_have_been_held() -> None:
    policy = Policy(
        name="p",
        flag="f",
        level=1,
        conditions=(Condition(signal="lag.seconds", subject="billing", enter=2, exit=0),),
        dwell_s=0,
        flips_per_hour=2,
    )
    done = rehearse(policy, [was(2 * (each % 2), each, each) for each in range(9)], begins=at(0), ends=at(9))
    assert (done.held, len(done.spells)) == (at(3), 1)
    assert "asked for a person at 2026-11-22 12:00:03 UTC" in done.sentence


@pytest.mark.parametrize("seed", range(12))
def test_it_is_what_the_machine_does_each_second(seed: int) -> None:
    dice = random.Random(seed)
    values, known, begun = list[float | None](), list[Recorded](), 0
    while len(values) < 4000:
        values += [dice.choice([10.0, 100.0, 400.0, None])] * dice.randint(1, 120)
    for second in range(1, len(values) + 1):
        if second == len(values) or values[second] != values[second - 1]:
            value = values[second - 1]
            if value is not None:
                known.append(was(value, begun, second - 1))
            begun = second
    state, moves = State(), list[datetime]()
    for second, value in enumerate(values):
        reading = None if value is None else Reading(value=value, at=at(second))
        done = step(state, POLICY, {KEY: reading}, now=at(second))
        state = done.state
        moves += [at(second)] if done.moved in (Moved.ENTERED, Moved.LEFT) else []
    told = rehearse(POLICY, known, begins=at(0), ends=at(len(values) - 1))
    rehearsed = [instant for each in told.spells for instant in (each.since, each.until) if instant is not None]
    assert rehearsed, "a test in which nothing happens shows nothing"
    assert all(abs((one - other).total_seconds()) <= 10 for one, other in zip(moves, rehearsed, strict=True))
