"""The states of an item and of a run: the tables, and what no sequence of events may do."""

from __future__ import annotations

import re
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlq.domain import item, run
from dlq.domain.item import ItemEvent, ItemState
from dlq.domain.run import Progress, RunEvent, RunState

ARROW = re.compile(r"^(\w+) --(\w+)--> (\w+)$", re.MULTILINE)


@pytest.mark.parametrize("module", [item, run])
def test_its_diagram_is_its_table(module: ModuleType) -> None:
    drawn = {(start, event): end for start, event, end in ARROW.findall(module.__doc__ or "")}
    assert drawn == {(str(start), str(event)): str(end) for (start, event), end in module.TRANSITIONS.items()}


def test_it_refuses_what_is_not_in_the_table() -> None:
    with pytest.raises(item.ImpossibleMove):
        item.moved(ItemState.QUEUED, ItemEvent.WITHDRAWN)
    with pytest.raises(run.CannotNow):
        run.moved(RunState.FINISHED, RunEvent.PAUSE)


def _walk(events: list[ItemEvent]) -> list[ItemState]:
    states = [ItemState.PLANNED]
    for event in events:
        try:
            states.append(item.moved(states[-1], event))
        except item.ImpossibleMove:
            states.append(states[-1])
    return states


@given(st.lists(st.sampled_from(ItemEvent), max_size=40))
def test_it_is_never_planned_again_once_it_left_the_plan(events: list[ItemEvent]) -> None:
    states = _walk(events)
    left = next((at for at, state in enumerate(states) if state is not ItemState.PLANNED), len(states))
    assert ItemState.PLANNED not in states[left:]


@given(st.lists(st.sampled_from(ItemEvent), max_size=40))
def test_it_is_never_called_cancelled_after_it_was_sent(events: list[ItemEvent]) -> None:
    states = _walk(events)
    if ItemState.SENT in states:
        assert ItemState.CANCELLED not in states[states.index(ItemState.SENT) :]


@given(st.lists(st.sampled_from(ItemEvent), max_size=40))
def test_proof_is_final(events: list[ItemEvent]) -> None:
    states = _walk(events)
    for final in (ItemState.CONFIRMED, ItemState.FAILED_AGAIN):
        if final in states:
            assert set(states[states.index(final) :]) == {final}


@pytest.mark.parametrize("state", ItemState)
@pytest.mark.parametrize("has_new_letter", [True, False])
def test_a_letter_is_replaying_exactly_while_its_item_is_unsettled(state: ItemState, has_new_letter: bool) -> None:
    assert (item.letter_state(state, has_new_letter=has_new_letter) == "replaying") == (state in item.UNSETTLED)


def test_a_letter_that_failed_again_leaves_one_open_letter_not_two() -> None:
    assert item.letter_state(ItemState.FAILED_AGAIN, has_new_letter=True) == "resolved"
    assert item.letter_state(ItemState.FAILED_AGAIN, has_new_letter=False) == "open"


def _progress(**counts: int) -> Progress:
    refused, groupless = counts.pop("refused", 0), counts.pop("groupless", 0)
    return Progress(
        states={ItemState(name): count for name, count in counts.items()}, refused=refused, groupless=groupless
    )


@pytest.mark.parametrize(
    ("state", "progress", "expected"),
    [
        (RunState.RUNNING, _progress(planned=1, confirmed=9), None),
        (RunState.RUNNING, _progress(queued=1), None),
        (RunState.RUNNING, _progress(sent=1), None),
        (RunState.RUNNING, _progress(sent=1, groupless=1), RunEvent.SETTLE),
        (RunState.RUNNING, _progress(passed=1, confirmed=2, unknown=1), RunEvent.SETTLE),
        (RunState.PAUSED, _progress(confirmed=2), RunEvent.SETTLE),
        (RunState.PAUSED, _progress(planned=1), None),
        (RunState.STOPPING, _progress(queued=1, cancelled=3), None),
        (RunState.STOPPING, _progress(sent=4, cancelled=3), RunEvent.DRAIN),
        (RunState.FINISHED, _progress(confirmed=1), None),
    ],
)
def test_a_run_ends_when_nothing_more_can_come(state: RunState, progress: Progress, expected: RunEvent | None) -> None:
    assert run.due(state, progress) == expected


@given(st.sampled_from(RunState), st.dictionaries(st.sampled_from(ItemState), st.integers(0, 5)))
def test_what_is_due_is_always_possible(state: RunState, states: dict[ItemState, int]) -> None:
    event = run.due(state, Progress(states=states))
    assert event is None or run.can(state, event)


def test_it_stops_when_too_much_fails_again() -> None:
    failing = _progress(failed_again=6, confirmed=10)
    assert run.stop_reason(failing, failed_limit=0.2) == "6 of 16 had failed again when it stopped, more than 20%"
    assert run.stop_reason(failing, failed_limit=None) is None


def test_a_few_failures_never_stop_it() -> None:
    assert run.stop_reason(_progress(failed_again=run.FAILURES_MIN - 1), failed_limit=0.2) is None


def test_it_counts_what_kafka_refused_as_failures() -> None:
    assert run.stop_reason(_progress(cancelled=5, refused=5), failed_limit=0.2) is not None


def test_it_forgives_what_was_known_when_it_was_resumed() -> None:
    failing = _progress(failed_again=6, confirmed=10)
    assert run.stop_reason(failing, failed_limit=0.2, failures_before=6, judged_before=6) is None


def test_what_was_taken_back_was_not_fed() -> None:
    assert _progress(planned=3, cancelled=4, refused=1, queued=2, confirmed=5).fed == 8
