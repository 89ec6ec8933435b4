"""Sagas from beginning to end: each way they can go."""

from __future__ import annotations

import pytest

from sagas.domain import moves
from sagas.domain.deciding import Ask, Recover, Run, Sleep
from sagas.domain.definition import saga, step
from sagas.domain.history import Kind, Side
from sagas.domain.moves import TABLE, IllegalEvent
from sagas.domain.policies import minutes, retry, seconds
from sagas.domain.settling import Ended
from sagas.domain.state import Effect, Parked, Status, as_json, from_json
from tests.unit.sagas.world import BROKEN, DONE, HICCUP, LOST, NO, World, three, work


def test_all_goes_well() -> None:
    world = World(three())
    assert world.run() == ["do:reserve", "do:charge", "do:ship"]
    assert world.saga.status is Status.COMPLETED


def test_what_was_done_is_undone_in_reverse() -> None:
    definition = saga("order", steps=[step(name, do=work, undo=work) for name in "abc"])
    world = World(definition)
    assert world.run(("do:c", BROKEN)) == ["do:a", "do:b", "do:c", "undo:b", "undo:a"]
    assert world.saga.status is Status.COMPENSATED
    assert "c failed" in world.saga.reason


def test_a_failed_step_that_took_partial_effect_is_undone_too() -> None:
    world = World(three(partial=True))
    assert world.run(("do:charge", BROKEN)) == ["do:reserve", "do:charge", "undo:charge", "undo:reserve"]


def test_a_try_is_made_again_and_only_so_often() -> None:
    world = World(three())
    calls = world.run(*[("do:charge", HICCUP)] * 3)
    assert calls == ["do:reserve", "do:charge", "do:charge", "do:charge", "undo:reserve"]
    assert world.saga.state_of("charge").do.attempts == 3


def test_the_same_key_for_every_try() -> None:
    world = World(three())
    keys = set()
    for _ in range(3):
        act = world.next()
        while isinstance(act, Sleep) or (isinstance(act, Run) and act.step.name == "reserve"):
            world.take(act)
            act = world.next()
        assert isinstance(act, Run)
        keys.add(act.key)
        world.take(act, HICCUP)
    assert keys == {"s1:charge:do"}


def test_beyond_the_pivot_it_never_goes_back() -> None:
    world = World(three())
    assert "undo:charge" not in world.run(("do:ship", BROKEN))
    assert (world.saga.status, world.saga.parked) == (Status.NEEDS_OPERATOR, Parked.BEYOND_PIVOT)


def test_the_saga_takes_too_long() -> None:
    world = World(three())
    world.take(world.next())
    world.sleep(31 * 60)
    assert world.run() == ["undo:reserve"]
    assert "timeout" in world.saga.reason


def test_a_saga_that_waits_for_a_retry_wakes_up_for_its_deadline() -> None:
    world = World(
        saga("order", timeout=seconds(2), steps=[step("a", do=work, retry=retry(base=minutes(5), cap=minutes(5)))])
    )
    world.take(world.next(), HICCUP)
    assert world.next() == Sleep(until=world.saga.deadline)  # type: ignore[arg-type]


class TestUnknown:
    """A try that ended without an answer."""

    def test_a_person_is_asked(self) -> None:
        world = World(three())
        assert world.run(("do:charge", LOST)) == ["do:reserve", "do:charge"]
        assert (world.saga.status, world.saga.parked) == (Status.NEEDS_OPERATOR, Parked.UNKNOWN)

    def test_it_is_repeated_under_the_same_key_if_the_other_side_knows_keys(self) -> None:
        world = World(three(unknown="repeat"))
        assert world.run(("do:charge", LOST)).count("do:charge") == 2
        assert world.saga.status is Status.COMPLETED

    @pytest.mark.parametrize(
        ("answer", "calls"),
        [
            (DONE, ["do:charge", "probe:charge", "do:ship"]),
            (NO, ["do:charge", "probe:charge", "do:charge", "do:ship"]),
        ],
    )
    def test_a_probe_says_what_happened(self, answer: Ended, calls: list[str]) -> None:
        world = World(three(probe=work))
        assert world.run(("do:charge", LOST), ("probe:charge", answer)) == ["do:reserve", *calls]

    def test_a_probe_that_does_not_know_is_asked_again_then_a_person(self) -> None:
        world = World(three(probe=work))
        assert world.run(("do:charge", LOST), *[("probe:charge", LOST)] * 9).count("probe:charge") == 2
        assert world.saga.parked == Parked.UNKNOWN

    def test_a_process_that_died_leaves_an_unknown_outcome(self) -> None:
        world = World(three(probe=work))
        world.take(world.next())
        act = world.next()
        assert isinstance(act, Run)
        world.attempt(act)
        assert isinstance(world.next(), Recover)
        world.take(world.next())
        assert world.saga.state_of("charge").do.effect is Effect.UNKNOWN
        world.take(world.next())  # until the probe is due
        assert isinstance(world.next(), Ask)

    def test_nothing_unknown_is_undone_before_it_is_known(self) -> None:
        world = World(three(probe=work))
        world.take(world.next())
        world.take(world.next(), LOST)
        world.sleep(31 * 60)
        assert world.run(("probe:charge", NO)) == ["probe:charge", "undo:reserve"]
        assert world.saga.status is Status.COMPENSATED

    def test_what_a_probe_found_is_undone(self) -> None:
        world = World(three(probe=work))
        world.take(world.next())
        world.take(world.next(), LOST)
        world.sleep(31 * 60)
        assert world.run() == ["probe:charge", "undo:charge", "undo:reserve"]

    def test_a_side_that_takes_an_undo_of_nothing_gets_one(self) -> None:
        world = World(three(unknown="repeat"))
        world.take(world.next())
        world.take(world.next(), LOST)
        world.sleep(31 * 60)
        assert world.run() == ["undo:charge", "undo:reserve"]

    def test_an_earlier_try_that_may_have_happened_is_not_forgotten(self) -> None:
        """Lost, then refused a connection, then out of time: the first try may have happened all the same."""
        world = World(three(unknown="repeat"))
        world.run_until("do:charge")
        world.take(world.next(), LOST)
        world.take(world.next())
        world.take(world.next(), HICCUP)
        assert world.saga.state_of("charge").do.effect is Effect.RETRYING
        world.sleep(31 * 60)
        assert world.run() == ["undo:charge", "undo:reserve"]

    def test_tries_that_all_may_have_happened_are_undone_when_they_are_used_up(self) -> None:
        world = World(three(unknown="repeat"))
        calls = world.run(("do:charge", LOST), *[("do:charge", HICCUP)] * 2)
        assert calls == ["do:reserve", *["do:charge"] * 3, "undo:charge", "undo:reserve"]

    def test_a_refusal_says_nothing_of_the_try_before_it(self) -> None:
        """The second request may be refused because the first one was carried out."""
        world = World(three(unknown="repeat"))
        calls = world.run(("do:charge", LOST), ("do:charge", BROKEN))
        assert calls == ["do:reserve", "do:charge", "do:charge", "undo:charge", "undo:reserve"]

    def test_an_undo_of_unknown_outcome_waits_for_a_person(self) -> None:
        world = World(three())
        world.run(("do:reserve", DONE), ("do:charge", BROKEN), ("undo:reserve", LOST))
        assert world.saga.parked == Parked.UNKNOWN
        assert world.saga.state_of("reserve").undo.effect is Effect.UNKNOWN


def test_an_undo_that_fails_for_good_waits_for_a_person() -> None:
    world = World(three())
    world.run(("do:charge", BROKEN), ("undo:reserve", BROKEN))
    assert (world.saga.status, world.saga.parked) == (Status.NEEDS_OPERATOR, Parked.UNDO_FAILED)


def test_local_steps_need_no_intent() -> None:
    definition = saga("order", steps=[step("a", do=work, undo=work, local=True), step("b", do=work, local=True)])
    world = World(definition)
    world.run(("do:b", BROKEN))
    assert Kind.ATTEMPTED not in [event.kind for event in world.history]
    assert world.saga.status is Status.COMPENSATED


def test_a_local_step_never_ends_unknown() -> None:
    world = World(saga("order", steps=[step("a", do=work, local=True, retry=retry(2))]))
    world.take(world.next(), LOST)
    assert world.saga.state_of("a").do.effect is Effect.RETRYING


def test_a_saga_survives_being_stored() -> None:
    world = World(three(probe=work))
    world.take(world.next())
    world.take(world.next(), LOST)
    assert from_json(as_json(world.saga)) == world.saga


def test_the_words_in_the_module_are_the_table() -> None:
    lines = [line for line in (moves.__doc__ or "").splitlines() if "-->" in line]
    said = {tuple(line.replace("-->", " ").replace("--", " ").split()) for line in lines}
    assert said == {(str(state), str(kind), str(after)) for (state, kind), after in TABLE.items()}


def test_nobody_can_begin_to_undo_while_it_goes_forward() -> None:
    world = World(three())
    world.take(world.next())
    act = Run(step=world.saga.plan.step("reserve"), side=Side.UNDO, attempt=1, key="k")
    with pytest.raises(IllegalEvent, match="goes forward"):
        world.attempt(act)
