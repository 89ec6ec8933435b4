"""What becomes of one key while its sides differ."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sagas.domain.reconciling import finding as rules
from sagas.domain.reconciling.comparing import Judged, judge
from sagas.domain.reconciling.finding import ACTIVE, TABLE, CannotNow, Finding, Note, State
from sagas.domain.reconciling.pair import Pair
from tests.unit.sagas.reconciling.world import GRACE, PATIENCE, T0, order, orders, payment

PENDING = Pair(key="1", expected=[order("pending")])
PAID = Pair(key="1", expected=[order("pending")], seen=[payment()])
AGREED = Pair(key="1", expected=[order("paid")], seen=[payment()])
DEFINED = orders()


def look(found: Finding, pair: Pair, at: datetime) -> tuple[Finding, list[Note]]:
    judged = judge(DEFINED, pair)
    kind = DEFINED.difference(judged.difference)
    after, entries = rules.look(found, judged, grace=kind.grace if kind else timedelta(0), at=at)
    return after, [entry.note for entry in entries]


def opened() -> Finding:
    return look(Finding(), PENDING, T0 + GRACE)[0]


def repairing() -> Finding:
    return rules.applied(opened(), repair="ask_again", patience=PATIENCE, at=T0 + GRACE, actor="ann", data={})[0]


def test_the_words_in_the_module_are_the_table() -> None:
    told = re.findall(r"^(\w+) --(\w+)--> (\w+)$", rules.__doc__ or "", flags=re.MULTILINE)
    assert {(before, move): after for before, move, after in told} == {
        (str(before), str(move)): str(after) for (before, move), after in TABLE.items()
    }


def test_within_its_grace_a_difference_is_only_watched() -> None:
    found, notes = look(Finding(), PENDING, T0 + GRACE / 2)
    assert (found.state, notes, found.opens_at) == (State.WATCHED, [Note.SEEN], T0 + GRACE)
    found, notes = look(found, PENDING, T0 + GRACE)
    assert (found.state, notes, found.opened_at) == (State.OPEN, [Note.OPENED], T0 + GRACE)
    assert look(found, PENDING, T0 + GRACE * 2) == (replace(found, looked_at=T0 + GRACE * 2), [])


def test_without_a_time_of_its_own_the_grace_counts_from_the_first_look() -> None:
    found, _ = look(Finding(), PAID, T0)
    assert (found.state, found.opens_at) == (State.WATCHED, T0 + timedelta(minutes=1))
    assert look(found, PAID, T0 + timedelta(seconds=59))[0].state is State.WATCHED
    assert look(found, PAID, T0 + timedelta(seconds=60))[0].state is State.OPEN


def test_a_finding_closes_itself_when_the_sides_agree_and_opens_anew_when_they_do_not() -> None:
    closed, notes = look(opened(), AGREED, T0 + GRACE * 2)
    assert (closed.state, notes, closed.ended_at) == (State.CLOSED, [Note.CLOSED], T0 + GRACE * 2)
    again, notes = look(closed, PENDING, T0 + GRACE * 3)
    assert (again.state, again.episode, notes) == (State.OPEN, 2, [Note.SEEN, Note.OPENED])


def test_another_difference_has_its_own_grace() -> None:
    found, notes = look(opened(), PAID, T0 + GRACE + timedelta(seconds=1))
    assert (found.state, found.difference, notes) == (State.WATCHED, "not_marked", [Note.CHANGED])


def test_a_repair_has_time_to_help_and_what_it_leads_through_is_no_news() -> None:
    found, notes = look(repairing(), PAID, T0 + GRACE + PATIENCE / 2)
    assert (found.state, notes) == (State.REPAIRING, [])
    closed, _ = look(found, AGREED, T0 + GRACE + PATIENCE)
    assert closed.state is State.CLOSED


def test_a_repair_that_did_not_help_is_told_and_the_finding_is_open_again() -> None:
    found, notes = look(repairing(), PENDING, T0 + GRACE + PATIENCE)
    assert (found.state, notes, found.repairs) == (State.OPEN, [Note.NO_HELP], 1)


def test_a_repair_that_led_somewhere_else_has_that_difference_afterwards() -> None:
    found, notes = look(repairing(), PAID, T0 + GRACE + PATIENCE)
    assert (found.state, found.difference, notes) == (State.WATCHED, "not_marked", [Note.NO_HELP, Note.CHANGED])


def test_a_look_that_is_older_than_the_act_changes_nothing() -> None:
    found = repairing()
    assert look(found, AGREED, T0) == (found, [])
    assert look(found, PENDING, T0) == (found, [])


def test_a_look_that_could_not_judge_changes_nothing() -> None:
    found = opened()
    assert rules.look(found, Judged(pair=PENDING, error="KeyError"), grace=GRACE, at=T0 + GRACE * 2) == (found, ())


def test_what_was_dismissed_stays_so_while_it_is_the_same() -> None:
    found, _ = rules.dismissed(opened(), at=T0 + GRACE, actor="ann", reason="a test order")
    same, notes = look(found, PENDING, T0 + GRACE * 2)
    assert (same.state, notes) == (State.DISMISSED, [])
    other, notes = look(same, Pair(key="1", expected=[order("pending", amount=7)]), T0 + GRACE * 3)
    assert (other.state, notes) == (State.OPEN, [Note.OPENED])
    assert rules.reopened(same, at=T0 + GRACE * 3, actor="ann", reason="")[0].state is State.OPEN


@pytest.mark.parametrize("state", [state for state in State if (state, rules.Move.APPLIED) not in TABLE])
def test_only_what_is_open_is_repaired_or_dismissed(state: State) -> None:
    found = Finding(state=state)
    with pytest.raises(CannotNow, match=f"is {state}"):
        rules.applied(found, repair="r", patience=PATIENCE, at=T0, actor="a", data={})
    with pytest.raises(CannotNow):
        rules.dismissed(found, at=T0, actor="a", reason="")


class Machine(RuleBasedStateMachine):
    """Looks, acts and time in any order; looks may come late."""

    @initialize()
    def begin(self) -> None:
        self.found = Finding()
        self.now = T0
        self.notes: list[Note] = []

    @rule(
        pair=st.sampled_from([PENDING, PAID, AGREED, Pair(key="1")]),
        late=st.integers(0, 300),
        wait=st.integers(0, 2000),
    )
    def look(self, pair: Pair, late: int, wait: int) -> None:
        self.now += timedelta(seconds=wait)
        before = self.found
        self.found, notes = look(before, pair, self.now - timedelta(seconds=late))
        self.notes += notes
        assert (
            (before.state, self.found.state) == (before.state, before.state)
            or notes
            or ({before.state, self.found.state} == {State.OPEN, State.WATCHED})
        )

    @rule(wait=st.integers(0, 300), act=st.sampled_from(["apply", "dismiss", "reopen"]))
    def act(self, wait: int, act: str) -> None:
        self.now += timedelta(seconds=wait)
        try:
            if act == "apply":
                self.found, entries = rules.applied(
                    self.found, repair="r", patience=PATIENCE, at=self.now, actor="a", data={}
                )
            elif act == "dismiss":
                self.found, entries = rules.dismissed(self.found, at=self.now, actor="a", reason="")
            else:
                self.found, entries = rules.reopened(self.found, at=self.now, actor="a", reason="")
        except CannotNow:
            return
        self.notes += [entry.note for entry in entries]

    @invariant()
    def it_says_what_it_is(self) -> None:
        found = self.found
        assert (found.difference != "") or found.state is State.NONE
        assert (found.ended_at is not None) == (found.state is State.CLOSED)
        assert (found.patient_until is not None) == (found.state is State.REPAIRING)
        assert (found.opens_at is not None) == (found.state is State.WATCHED)
        assert found.state not in (State.OPEN, State.REPAIRING, State.DISMISSED) or found.opened_at is not None
        assert found.episode == self.notes.count(Note.SEEN)
        assert self.notes.count(Note.CLOSED) in (found.episode, found.episode - 1)
        assert (self.notes.count(Note.CLOSED) == found.episode) == (found.state not in ACTIVE)


Machine.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestMachine = Machine.TestCase
