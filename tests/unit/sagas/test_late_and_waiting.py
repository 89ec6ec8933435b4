"""Answers that come late, and events that are waited for."""

from __future__ import annotations

import pytest

from sagas.domain import acts
from sagas.domain.acts import Act, Command
from sagas.domain.deciding import Run
from sagas.domain.definition import saga, step, wait
from sagas.domain.history import Outcome
from sagas.domain.moves import IllegalEvent
from sagas.domain.policies import minutes
from sagas.domain.settling import Ended
from sagas.domain.state import Effect, Parked, Status
from tests.unit.sagas.world import BROKEN, DONE, LOST, NO, World, three, work


class TestLate:
    """Answers of tries that had been given up."""

    def given_up(self, **charge: object) -> tuple[World, Run]:
        world = World(three(**charge))
        world.take(world.next())
        act = world.next()
        assert isinstance(act, Run)
        world.take(act, LOST)
        return world, act

    def test_it_happened(self) -> None:
        world, act = self.given_up()
        world.take(world.next())
        assert world.saga.status is Status.NEEDS_OPERATOR
        world.late(act, Ended(outcome=Outcome.SUCCEEDED, result={"reference": "r1"}))
        assert world.saga.data == {"reference": "r1"}
        assert world.run() == ["do:ship"]

    def test_it_did_not_happen(self) -> None:
        world, act = self.given_up()
        world.late(act, BROKEN)
        assert world.run() == ["do:charge", "do:ship"]

    def test_it_happened_while_the_saga_went_back(self) -> None:
        world, act = self.given_up(probe=work)
        world.sleep(31 * 60)
        world.take(world.next())  # turns
        world.take(world.next(), NO)
        world.late(act, DONE)
        assert world.run() == ["undo:charge", "undo:reserve"]

    def test_it_happened_after_all_was_over(self) -> None:
        world, act = self.given_up(probe=work)
        world.sleep(31 * 60)
        world.run(("probe:charge", NO))
        assert world.saga.status is Status.COMPENSATED
        world.late(act, DONE)
        assert (world.saga.status, world.saga.parked) == (Status.NEEDS_OPERATOR, Parked.LATE_EFFECT)

    def test_an_answer_of_work_that_was_begun_anew_is_only_noted(self) -> None:
        world, act = self.given_up()
        world.take(world.next())
        command = Command(act=Act.RESUME, step="charge")
        world.write(acts.event(world.saga, command, actor="ann", reason="so", now=world.now))
        world.late(act, Ended(outcome=Outcome.SUCCEEDED, result={"reference": "old"}))
        assert world.saga.state_of("charge").do.effect is Effect.IDLE
        assert (world.saga.late, world.saga.data) == (1, {})

    def test_an_answer_beside_a_newer_try_changes_nothing(self) -> None:
        world, act = self.given_up(unknown="repeat")
        world.take(world.next())
        again = world.next()
        assert isinstance(again, Run)
        world.attempt(again)
        world.late(act, DONE)
        assert world.saga.busy is not None
        assert world.saga.late == 1


class TestWaiting:
    """A step that waits for an event."""

    def waiting(self, late: str = "compensate") -> World:
        definition = saga(
            "order",
            timeout=minutes(60),
            steps=[
                step("reserve", do=work, undo=work),
                wait("settled", event="payment.settled", deadline=minutes(5), late=late),  # type: ignore[arg-type]
                step("ship", do=work),
            ],
        )
        world = World(definition)
        world.take(world.next())
        world.take(world.next())
        assert world.saga.state_of("settled").do.effect is Effect.AWAITING
        return world

    def test_the_event_comes(self) -> None:
        world = self.waiting()
        world.arrive("settled", {"amount": 5})
        assert world.saga.data == {"settled": {"amount": 5}}
        assert world.run() == ["do:ship"]

    def test_it_does_not_come(self) -> None:
        world = self.waiting()
        assert world.run() == ["undo:reserve"]
        assert world.saga.reason == "payment.settled did not come in time."

    def test_it_comes_after_a_person_was_called(self) -> None:
        world = self.waiting("person")
        world.run()
        assert world.saga.parked == Parked.EVENT_MISSING
        world.arrive("settled")
        assert world.run() == ["do:ship"]
        assert world.saga.status is Status.COMPLETED

    def test_twice_is_refused(self) -> None:
        world = self.waiting()
        world.arrive("settled")
        with pytest.raises(IllegalEvent):
            world.arrive("settled")
