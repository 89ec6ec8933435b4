"""How an alert begins and ends: after it has lasted, after it has been gone, and never for what nobody could see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.alerts.domain.rule import Rule
from reliability.alerts.domain.standing import FLOWS, Phase, State, step

START = datetime(2026, 3, 1, tzinfo=UTC)
RULE = Rule(name="r", raise_after_s=30, clear_after_s=60)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def phases(looks: list[tuple[float, bool | None]], rule: Rule = RULE) -> list[str]:
    state, found = None, []
    for seconds, is_there in looks:
        state = step(state, is_there, rule=rule, now=at(seconds))
        found.append(state.phase.value if state is not None else "")
    return found


@pytest.mark.parametrize(
    ("looks", "come"),
    [
        ([(0, True), (29, True), (30, True)], ["pending", "pending", "firing"]),
        ([(0, True), (29, False), (31, True), (60, True)], ["pending", "", "pending", "pending"]),
        (
            [(0, True), (30, True), (40, False), (99, False), (100, False)],
            ["pending", "firing", "clearing", "clearing", ""],
        ),
        (
            [(0, True), (30, True), (40, False), (60, True), (130, False)],
            ["pending", "firing", "clearing", "firing", "clearing"],
        ),
        ([(0, True), (30, None), (31, True)], ["pending", "pending", "firing"]),
        ([(0, True), (30, True), (40, False), (500, None)], ["pending", "firing", "clearing", "clearing"]),
        ([(0, None), (1, False)], ["", ""]),
    ],
)
def test_it_lasts_before_it_is_told_and_is_gone_before_it_is_over(
    looks: list[tuple[float, bool | None]], come: list[str]
) -> None:
    assert phases(looks) == come


def test_without_waiting_it_begins_and_ends_at_once() -> None:
    rule = Rule(name="r", raise_after_s=0, clear_after_s=0)
    assert phases([(0, True), (1, False)], rule) == ["firing", ""]


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from([True, False, None])), max_size=40))
def test_it_moves_only_as_the_table_says(looks: list[tuple[float, bool | None]]) -> None:
    state: State | None = None
    now = 0.0
    for waits, is_there in looks:
        now += waits
        after = step(state, is_there, rule=RULE, now=at(now))
        before, now_phase = (state.phase if state else None), (after.phase if after else None)
        assert before == now_phase or now_phase in FLOWS[before]
        if is_there is None:
            assert after == state
        if now_phase is Phase.FIRING and before is Phase.PENDING:
            assert state is not None
            assert at(now) - state.since >= timedelta(seconds=30)
        state = after
