"""Alerts that are raised late enough, cleared late enough, and told once."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.lag.domain import alerting
from reliability.lag.domain.alerting import Event, Figures, Kind, Phase, Rule, State
from reliability.lag.domain.time_lag import TimeLag
from reliability.lag.domain.values import Word

RULE = Rule(kind=Kind.VERDICT, words=frozenset({Word.STALL}), raise_after_s=20.0, clear_after_s=30.0)
AT_ONCE = Rule(kind=Kind.VERDICT, words=frozenset({Word.STALL}))
LETTERS = {"x": True, ".": False, "?": None}


def run(looks: str, *, rule: Rule = RULE, state: State = State(), every_s: float = 10.0) -> tuple[str, list[str]]:  # noqa: B008 - never changed
    """Step through looks (x trouble, . none, ? not known); return the first letters of the phases, and the events."""
    phases, events = "", []
    for at, letter in enumerate(looks):
        now_s = 1_000.0 + at * every_s
        state, event = alerting.step(state, LETTERS[letter], rule=rule, now_s=now_s)
        phases += state.phase[0]
        if event:
            events.append(f"{event} at {now_s - 1_000:g}")
    return phases, events


@pytest.mark.parametrize(
    ("looks", "phases", "events"),
    [
        (".....", "qqqqq", []),
        ("x....", "pqqqq", []),
        ("xx.xx.", "ppqppq", []),
        ("xxxx", "pprr", ["raised at 20"]),
        ("xxx....", "pprcccq", ["raised at 20", "cleared at 60"]),
        ("xxx.x.x....", "pprcrcrcccq", ["raised at 20", "cleared at 100"]),  # a saw is one alert
        ("xxx....xxx", "pprcccqppr", ["raised at 20", "cleared at 60", "raised at 90"]),
        ("?????", "qqqqq", []),
        ("x?x", "ppr", ["raised at 20"]),
        ("xxx?????", "pprrrrrr", ["raised at 20"]),  # out of sight is not over
        ("x??.", "pppq", []),
    ],
)
def test_trouble_must_last_to_be_raised_and_be_over_for_long_to_be_cleared(
    looks: str, phases: str, events: list[str]
) -> None:
    assert run(looks) == (phases, events)


def test_without_waiting_times_it_is_told_at_once() -> None:
    assert run("x.x", rule=AT_ONCE) == ("rqr", ["raised at 0", "cleared at 10", "raised at 20"])


@pytest.mark.parametrize(
    ("looks", "until_s", "events"),
    [
        ("xxxxxx", 1_500.0, []),
        ("xxxxxx", 1_040.0, ["raised at 40"]),  # it still stands when the mute ends
        ("xxx....x", 1_065.0, []),  # it came and went
    ],
)
def test_a_mute_keeps_the_state_and_tells_nobody(looks: str, until_s: float, events: list[str]) -> None:
    muted = alerting.mute(State(), until_s=until_s)
    assert run(looks, state=muted) == (run(looks)[0], events)


def test_what_was_told_before_a_mute_is_cleared_after_it() -> None:
    raised = State(phase=Phase.RAISED, told=True, since_s=900.0, muted_until_s=1_050.0)
    assert run("......", state=raised) == ("cccqqq", ["cleared at 50"])


def test_a_mute_can_be_ended() -> None:
    muted = alerting.mute(State(), until_s=9_999.0)
    assert run("xxx", state=alerting.mute(muted, until_s=0.0))[1] == ["raised at 20"]


def test_a_clock_that_goes_back_only_waits() -> None:
    state, _ = alerting.step(State(), True, rule=RULE, now_s=1_000.0)
    state, event = alerting.step(state, True, rule=RULE, now_s=500.0)
    assert (state.phase, event) == (Phase.PENDING, None)


@given(st.text(alphabet="x.?", max_size=80), st.sampled_from([0.0, 1_200.0, 1_500.0]))
def test_raised_and_cleared_take_turns(looks: str, until_s: float) -> None:
    state, told = State(muted_until_s=until_s), []
    for at, letter in enumerate(looks):
        state, event = alerting.step(state, LETTERS[letter], rule=RULE, now_s=1_000.0 + at * 10)
        if event:
            told.append(event)
    assert told == [Event.RAISED if at % 2 == 0 else Event.CLEARED for at in range(len(told))]


STALL = Figures(word=Word.STALL)
OVER_AN_HOUR = Rule(kind=Kind.TIME_LAG, limit_s=3_600.0)


@pytest.mark.parametrize(
    ("rule", "figures", "expected"),
    [
        (RULE, STALL, True),
        (RULE, Figures(word=Word.WARN), False),
        (RULE, Figures(word=Word.UNKNOWN), None),
        (Rule(kind=Kind.VERDICT, words=frozenset({Word.UNKNOWN})), Figures(word=Word.UNKNOWN), True),
        (OVER_AN_HOUR, STALL, None),
        (OVER_AN_HOUR, Figures(word=Word.OK, time_lag=TimeLag(3_600.0, at_least=False)), False),
        (OVER_AN_HOUR, Figures(word=Word.OK, time_lag=TimeLag(3_601.0, at_least=False)), True),
        (OVER_AN_HOUR, Figures(word=Word.OK, time_lag=TimeLag(3_601.0, at_least=True)), True),
        (OVER_AN_HOUR, Figures(word=Word.OK, time_lag=TimeLag(60.0, at_least=True)), None),
        (Rule(kind=Kind.ETA, limit_s=600.0), STALL, None),
        (Rule(kind=Kind.ETA, limit_s=600.0), Figures(word=Word.WARN, eta_s=inf), True),
        (Rule(kind=Kind.ETA, limit_s=600.0), Figures(word=Word.OK, eta_s=600.0), False),
        (Rule(kind=Kind.LOSS, limit_s=600.0), STALL, None),
        (Rule(kind=Kind.LOSS, limit_s=600.0), Figures(word=Word.OK, loss_s=inf), False),
        (Rule(kind=Kind.LOSS, limit_s=600.0), Figures(word=Word.STALL, loss_s=599.0), True),
    ],
)
def test_a_rule_holds_or_not_or_cannot_be_told(rule: Rule, figures: Figures, expected: bool | None) -> None:
    assert alerting.holds(rule, figures) is expected
