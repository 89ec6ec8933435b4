"""Acts in bulk: which states follow which, what is hashed, counted and said; which acts are done in bulk."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagas.domain import acts, batching, bulk, previewing
from sagas.domain.acts import Act
from sagas.domain.batching import Counts, ItemState, LeftOut, Move, Planned, State
from sagas.domain.definition import pivot, saga, step
from sagas.domain.policies import retry
from tests.unit.sagas.world import BROKEN, LOST, World, work

ARROW = re.compile(r"^(\w+) --(\w+)--> (\w+)$", re.MULTILINE)


def planned(target: str = "a", version: int = 3, **details: str) -> Planned:
    return Planned(target=target, label=f"order {target}", version=version, follows="goes on", details=details)


def test_its_diagram_is_its_table() -> None:
    drawn = {(start, event): end for start, event, end in ARROW.findall(batching.__doc__ or "")}
    assert drawn == {(str(start), str(move)): str(end) for (start, move), end in batching.TRANSITIONS.items()}


@pytest.mark.parametrize(("state", "move"), [pair for pair in product(State, Move) if pair not in batching.TRANSITIONS])
def test_what_is_not_in_the_table_is_refused_with_a_sentence(state: State, move: Move) -> None:
    with pytest.raises(batching.CannotNow, match=r"^It .+\.$"):
        batching.moved(state, move)


@given(st.lists(st.sampled_from(Move), max_size=12))
def test_what_is_over_stays_over(moves: list[Move]) -> None:
    state = State.PLANNED
    for move in moves:
        before = state
        try:
            state = batching.moved(state, move)
        except batching.CannotNow:
            state = before
        assert before not in batching.OVER or state is before
        assert before is State.PLANNED or state is not State.PLANNED


def test_the_hash_is_of_everything_that_decides_what_is_done() -> None:
    made = batching.content_hash("sagas.act", {"act": "retry"}, [planned("a"), planned("b")])
    assert made == batching.content_hash("sagas.act", {"act": "retry"}, [planned("a"), planned("b")])
    others = [
        batching.content_hash("other", {"act": "retry"}, [planned("a"), planned("b")]),
        batching.content_hash("sagas.act", {"act": "terminate"}, [planned("a"), planned("b")]),
        batching.content_hash("sagas.act", {"act": "retry"}, [planned("b"), planned("a")]),
        batching.content_hash("sagas.act", {"act": "retry"}, [planned("a"), planned("b", version=4)]),
        batching.content_hash("sagas.act", {"act": "retry"}, [planned("a")]),
        batching.content_hash("sagas.act", {"act": "retry"}, [planned("a"), planned("b", repair="refund")]),
    ]
    assert len({made, *others}) == len(others) + 1


def test_what_is_left_out_is_grouped_by_its_reason_with_examples() -> None:
    left_out = [LeftOut(target=str(n), label=f"o{n}", why="over" if n % 3 else "runs") for n in range(9)]
    over, runs = batching.grouped(left_out)
    assert (over["text"], over["count"], runs["text"], runs["count"]) == ("over", 6, "runs", 3)
    assert [each["label"] for each in over["examples"]] == ["o1", "o2", "o4"]


def test_very_many_reasons_are_bounded_and_none_is_lost() -> None:
    found = batching.counted(f"reason {n}" for n in range(1000))
    assert len(found) == batching.NAMED_MAX + 1
    assert found[-1]["text"] == batching.OTHERS
    assert sum(each["count"] for each in found) == 1000


def test_how_it_ended_claims_no_more_than_its_items_do() -> None:
    counts = Counts(of={ItemState.DONE: 1200, ItemState.REFUSED: 2, ItemState.PLANNED: 3})
    assert batching.outcome(State.RUNNING, counts) == "1,200 of 1,205 done, 2 refused, 3 to go."
    assert batching.outcome(State.PLANNED, counts) == "Nothing is done yet."
    cancelled = Counts(of={ItemState.DONE: 1, ItemState.FAILED: 1, ItemState.CANCELLED: 4})
    assert batching.outcome(State.CANCELLED, cancelled) == "1 of 6 done, 1 failed, 4 left."
    assert (cancelled.trouble, cancelled.left, cancelled.as_json()["done"]) == (1, 0, 1)


# --- acts on sagas


def made() -> World:
    definition = saga(
        "order",
        steps=[
            step("reserve", do=work, undo=work),
            step("charge", do=work, undo=work, retry=retry(2)),
            pivot(),
            step("ship", do=work, retry=retry(1)),
        ],
    )
    return World(definition)


@pytest.mark.parametrize("act", [act for act in Act if act not in bulk.ACTS])
def test_what_has_to_be_seen_one_by_one_is_not_done_in_bulk(act: Act) -> None:
    with pytest.raises(bulk.WrongBulkAct, match="one by one"):
        bulk.command({"act": str(act)})


@pytest.mark.parametrize(
    "what",
    [
        {},
        {"act": ""},
        {"act": "x" * 5000},
        {"act": "retry", "step": "charge"},
        {"act": "skip"},
        {"act": "skip", "step": "a\x00b"},
        {"act": "skip", "step": "\ud800"},
        {"act": "skip", "step": "x" * 201},
    ],
)
def test_what_is_no_act_in_bulk_is_refused_with_a_short_sentence(what: dict[str, str]) -> None:
    with pytest.raises(bulk.WrongBulkAct) as refused:
        bulk.command(what)
    assert len(str(refused.value)) < 200


def test_a_skip_names_its_step_so_that_no_other_one_is_skipped() -> None:
    world = made()
    world.run(("do:charge", LOST))
    assert acts.refusal(world.saga, bulk.command({"act": "skip", "step": "ship"}))
    assert not acts.refusal(world.saga, bulk.command({"act": "skip", "step": "charge"}))


def test_what_follows_is_said_with_what_is_called() -> None:
    world = made()
    world.run(("do:ship", BROKEN))
    seen = previewing.preview(world.saga, bulk.command({"act": "retry"}), now=world.now)
    assert bulk.follows(seen) == "goes on, completed when every call succeeds"
    assert bulk.effects(seen) == ("ship",)
    ended = previewing.preview(world.saga, bulk.command({"act": "terminate"}), now=world.now)
    assert (bulk.follows(ended), bulk.effects(ended)) == ("terminated at once", ())


def test_going_back_names_what_is_undone() -> None:
    world = made()
    world.run_until("do:charge")
    seen = previewing.preview(world.saga, bulk.command({"act": "compensate"}), now=world.now)
    assert bulk.follows(seen) == "goes back, undone when every call succeeds"
    assert bulk.effects(seen) == ("undo reserve",)
