"""Who says in place of a step that it is done gives what later steps read; else they fail, and all is undone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sagas.domain import acts, previewing
from sagas.domain.acts import Act, Command, DataMissing
from sagas.domain.definition import saga, step, wait
from sagas.domain.policies import minutes
from sagas.domain.state import Status
from tests.unit.sagas.world import LOST, World, work


def charged() -> World:
    """A saga whose charge has no known outcome."""
    steps = [step("charge", do=work, undo=work, gives=["reference", "cents"]), step("ship", do=work)]
    world = World(saga("order", steps=steps), data={"cents": 5})
    world.run(("do:charge", LOST))
    return world


def waiting() -> World:
    """A saga whose payment did not come in time."""
    steps = [
        wait("payment", event="payment.settled", deadline=minutes(1), late="person", gives=["amount"]),
        step("ship", do=work),
    ]
    world = World(saga("order", steps=steps))
    world.run()
    return world


def act(world: World, act: Act, result: Mapping[str, Any]) -> None:
    command = Command(act=act, result=result)
    previewing.preview(world.saga, command, now=world.now)
    world.write(acts.event(world.saga, command, actor="ann", reason="seen", now=world.now))


@pytest.mark.parametrize("word", [Act.HAPPENED, Act.SKIP])
def test_what_the_data_lack_has_to_be_given(word: Act) -> None:
    world = charged()
    assert acts.to_give(world.saga, word) == {"reference": None}
    for given in ({}, {"reference": None}, {"other": 1}):
        with pytest.raises(DataMissing, match="Later steps read reference of charge"):
            act(world, word, given)
    act(world, word, {"reference": "r1"})
    assert world.run() == ["do:ship"]
    assert world.saga.data == {"cents": 5, "reference": "r1"}


@pytest.mark.parametrize(("word", "given"), [(Act.HAPPENED, {"amount": 9}), (Act.SKIP, {"payment": {"amount": 9}})])
def test_what_an_event_brings_stands_under_its_step_whoever_says_so(word: Act, given: dict[str, Any]) -> None:
    world = waiting()
    assert world.saga.status is Status.NEEDS_OPERATOR
    for wrong in ({}, {"payment": 7}, {"payment": {"amount": None}}, {"amount": None}):
        with pytest.raises(DataMissing, match="Later steps read amount of payment"):
            act(world, word, wrong)
    act(world, word, given)
    world.run()
    assert world.saga.data == {"payment": {"amount": 9}}


def test_other_acts_give_nothing_and_offers_stay() -> None:
    world = charged()
    assert acts.to_give(world.saga, Act.RETRY) == {}
    assert {Act.HAPPENED, Act.SKIP} <= set(acts.possible(world.saga))
    act(world, Act.NOT_HAPPENED, {})
