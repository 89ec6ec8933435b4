"""The ramp of a run in words and looks: what failed looks failed, and the rule for stopping is said in numbers."""

from __future__ import annotations

from typing import Any

import pytest

from dlq.domain.item import ItemState as S
from dlq.domain.run import Progress
from dlq.models import Replay
from dlq.queries.replays import Legs
from dlq.views import steps as ramp_steps


def run(**changes: Any) -> Replay:
    known = {"state": "running", "rate": 50.0, "ramp_step": 0, "failed_limit": 0.2}
    return Replay(**{**known, **changes})


def progress(refused: int = 0, **states: int) -> Progress:
    return Progress(states={S(name): count for name, count in states.items()}, refused=refused)


def looks(of: Replay, *canaries: Progress, rest: int = 0, earlier: Progress | None = None) -> list[tuple[str, ...]]:
    legs = [*canaries, *([earlier] if earlier else [])]
    states = {state: sum(leg.of(state) for leg in legs) for state in S}
    states[S.PLANNED] += rest
    whole = Progress(states=states, refused=sum(leg.refused for leg in legs))
    found = ramp_steps.steps(of, whole, Legs(earlier=earlier, canaries=list(canaries)))
    return [(step.label, f"{step.kind}{' now' if step.now else ''}".strip(), step.shape, step.text) for step in found]


def test_a_canary_that_failed_looks_failed_and_one_that_went_well_looks_well() -> None:
    shown = looks(run(ramp_step=2), progress(confirmed=1), progress(confirmed=4, failed_again=1), progress(planned=20))
    assert shown == [
        ("1", "done", "ok", "1 confirmed"),
        ("5", "failed", "crit", "4 confirmed, 1 failed again"),
        ("20", "now", "prog", "being sent"),
    ]


def test_a_canary_that_passed_without_proof_looks_paler_than_a_confirmed_one() -> None:
    shown = looks(run(state="finished"), progress(confirmed=1), progress(confirmed=4, passed=1))
    assert [(kind, text) for _, kind, _, text in shown] == [
        ("done", "1 confirmed"),
        ("passed", "4 confirmed, 1 passed"),
    ]


def test_a_canary_that_was_refused_looks_failed() -> None:
    ((_, kind, shape, text),) = looks(run(state="stopped"), progress(cancelled=1, refused=1))
    assert (kind, shape, text) == ("failed now", "crit", "1 refused")


def test_a_canary_without_its_outcomes_is_never_green() -> None:
    shown = looks(run(ramp_step=2), progress(sent=1), progress(unknown=2, passed=3), progress(planned=4), rest=0)
    assert [(kind, shape) for _, kind, shape, _ in shown] == [("open", "prog"), ("open", "unknown"), ("now", "prog")]
    assert shown[0][3] == "1 outcome to come"


def test_what_is_still_to_come_waits_and_goes_at_its_rate() -> None:
    shown = looks(run(), progress(queued=1), progress(planned=5), rest=900)
    assert shown[1:] == [("5", "", "", "waits"), ("all", "", "", "at up to 50/s")]
    assert looks(run(state="paused"), progress(planned=1))[0] == ("1", "now", "paused", "held")


def test_the_ended_run_has_no_turn_left() -> None:
    assert looks(run(state="cancelled"), progress(failed_again=1), progress(cancelled=5)) == [
        ("1", "failed", "crit", "1 failed again"),
        ("5", "", "", "5 not sent"),
    ]


def test_what_was_sent_before_a_stop_has_a_step_of_its_own() -> None:
    shown = looks(run(ramp_step=0), progress(queued=1), earlier=progress(failed_again=6, confirmed=20), rest=10)
    assert shown[0] == ("26", "failed", "crit", "before it stopped: 20 confirmed, 6 failed again")
    assert [label for label, *_ in shown] == ["26", "1", "the rest"]


@pytest.mark.parametrize(
    ("limit", "rule"),
    [
        (
            0.2,
            "stops by itself when 5 or more failed again or were refused, "
            "and they are more than 20 % of those with an outcome",
        ),
        (None, "never stops by itself: chosen so"),
    ],
)
def test_the_rule_for_stopping_is_said_with_its_numbers(limit: float | None, rule: str) -> None:
    assert ramp_steps.stop_rule(limit) == rule


def test_how_near_a_run_is_to_stopping_is_said_while_it_may_stop() -> None:
    so_far = progress(failed_again=3, confirmed=7)
    assert ramp_steps.so_far(run(), so_far) == "So far 3 of 10 failed (30 %); fewer than 5 never stop it."
    assert ramp_steps.so_far(run(), progress(failed_again=6, confirmed=54)) == "So far 6 of 60 failed (10 %)."
    resumed = run(failures_before=3, judged_before=9)
    assert ramp_steps.so_far(resumed, so_far).startswith("So far 0 of 1 failed since it was resumed (0 %)")
    assert ramp_steps.so_far(run(), progress(sent=3)) == "No outcome is known yet."
    assert ramp_steps.so_far(run(failed_limit=None), so_far) == ""
    assert ramp_steps.so_far(run(state="finished"), so_far) == ""
