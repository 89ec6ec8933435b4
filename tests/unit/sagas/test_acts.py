"""What operators can do, what they are told beforehand, and what they are refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sagas.domain import acts, previewing
from sagas.domain.acts import Act, CannotNow, Command
from sagas.domain.definition import pivot, saga, step, wait
from sagas.domain.history import Kind, Side
from sagas.domain.policies import minutes, retry
from sagas.domain.state import Effect, Parked, Status
from tests.unit.sagas.world import BROKEN, HICCUP, LOST, NO, World, work


def made(*, probe: bool = False) -> World:
    definition = saga(
        "order",
        steps=[
            step("reserve", do=work, undo=work),
            step("charge", do=work, undo=work, probe=work if probe else None, retry=retry(2)),
            step("pack", do=work, undo=work),
            pivot(),
            step("ship", do=work),
        ],
    )
    return World(definition)


def act(world: World, command: Command) -> None:
    world.write(acts.event(world.saga, command, actor="ann", reason="ticket 7", now=world.now))


def test_a_failing_step_is_tried_at_once_and_as_often_as_at_first() -> None:
    world = made()
    world.run_until("do:charge")
    world.take(world.next(), HICCUP)
    act(world, Command(act=Act.RETRY))
    work_now = world.saga.state_of("charge").do
    assert (work_now.failures, work_now.attempts) == (0, 1)
    assert world.run(("do:charge", HICCUP)) == ["do:charge", "do:charge", "do:pack", "do:ship"]


def test_of_an_unknown_outcome_a_person_can_say_what_happened() -> None:
    world = made()
    world.run(("do:charge", LOST))
    assert acts.possible(world.saga)[:3] == (Act.RETRY, Act.HAPPENED, Act.NOT_HAPPENED)
    act(world, Command(act=Act.HAPPENED, result={"reference": "r9"}))
    assert world.run() == ["do:pack", "do:ship"]
    assert world.saga.data == {"reference": "r9"}
    assert world.history[-3].kind is not Kind.DECLARED
    declared = next(event for event in world.history if event.kind is Kind.DECLARED)
    assert (declared.actor, declared.data["reason"]) == ("ann", "ticket 7")


def test_that_it_did_not_happen_has_it_done_again() -> None:
    world = made()
    world.run(("do:charge", LOST))
    act(world, Command(act=Act.NOT_HAPPENED))
    assert world.run()[0] == "do:charge"


def test_on_the_way_back_nothing_is_done_again() -> None:
    world = made()
    world.run_until("do:charge")
    world.take(world.next(), LOST)
    world.sleep(2 * 3600)
    world.run()
    assert world.saga.parked == Parked.UNKNOWN
    assert acts.refusal(world.saga, Command(act=Act.RETRY)).startswith("The saga goes back")
    act(world, Command(act=Act.NOT_HAPPENED))
    assert world.run() == ["undo:reserve"]


def test_a_probe_can_be_asked_again() -> None:
    world = made(probe=True)
    world.run(("do:charge", LOST), *[("probe:charge", LOST)] * 9)
    assert world.saga.parked == Parked.UNKNOWN
    act(world, Command(act=Act.PROBE))
    assert world.run(("probe:charge", NO))[:2] == ["probe:charge", "do:charge"]


def test_a_step_is_skipped_with_its_data() -> None:
    world = made()
    world.run_until("do:charge")
    world.take(world.next(), HICCUP)
    act(world, Command(act=Act.SKIP, result={"reference": "paid by hand"}))
    assert world.run() == ["do:pack", "do:ship"]
    assert world.saga.data["reference"] == "paid by hand"
    assert world.saga.state_of("charge").do.effect is Effect.SKIPPED


def test_an_undo_that_fails_can_be_left_out() -> None:
    world = made()
    world.run(("do:pack", BROKEN), ("undo:charge", BROKEN))
    assert world.saga.parked == Parked.UNDO_FAILED
    assert acts.possible(world.saga)[:2] == (Act.RETRY, Act.SKIP)
    act(world, Command(act=Act.SKIP))
    assert world.run() == ["undo:reserve"]
    assert world.saga.status is Status.COMPENSATED


def test_compensation_is_told_call_by_call() -> None:
    world = made()
    world.run_until("do:pack")
    seen = previewing.preview(world.saga, Command(act=Act.COMPENSATE), now=world.now)
    assert [(call.step, call.side, call.key, call.repeated) for call in seen.calls] == [
        ("charge", Side.UNDO, "s1:charge:undo", False),
        ("reserve", Side.UNDO, "s1:reserve:undo", False),
    ]
    assert (seen.status, seen.ends) == (Status.COMPENSATING, Status.COMPENSATED)
    act(world, Command(act=Act.COMPENSATE))
    assert world.run() == ["undo:charge", "undo:reserve"]


def test_beyond_the_pivot_there_is_no_way_back() -> None:
    world = made()
    world.run(("do:ship", BROKEN))
    assert Act.COMPENSATE not in acts.possible(world.saga)
    with pytest.raises(CannotNow, match="beyond its pivot"):
        act(world, Command(act=Act.COMPENSATE))


def test_a_compensated_saga_is_resumed_under_new_keys() -> None:
    world = made()
    world.run(("do:pack", BROKEN))
    seen = previewing.preview(world.saga, Command(act=Act.RESUME, step="reserve"), now=world.now)
    assert [call.key for call in seen.calls] == [f"s1:{name}:do:2" for name in ("reserve", "charge", "pack", "ship")]
    act(world, Command(act=Act.RESUME, step="reserve", timeout=timedelta(hours=1)))
    assert world.run() == ["do:reserve", "do:charge", "do:pack", "do:ship"]
    assert world.saga.status is Status.COMPLETED


def test_a_saga_is_not_resumed_behind_what_is_not_in_effect() -> None:
    world = made()
    world.run(("do:pack", BROKEN))
    with pytest.raises(CannotNow, match="reserve is not in effect"):
        act(world, Command(act=Act.RESUME, step="ship"))
    with pytest.raises(CannotNow, match="has no step 'fly'"):
        act(world, Command(act=Act.RESUME, step="fly"))


def test_resuming_from_a_step_that_was_done_warns() -> None:
    world = made()
    world.run(("do:ship", BROKEN))
    seen = previewing.preview(world.saga, Command(act=Act.RESUME, step="pack"), now=world.now)
    assert seen.warnings == ("pack was done and not undone. It is done again, under a new key.",)


def test_edited_data_are_a_difference() -> None:
    world = made()
    world.data = {}
    act(world, Command(act=Act.EDIT, set={"country": "FR"}))
    act(world, Command(act=Act.EDIT, set={"country": "DE", "vat": 19}))
    edited = world.history[-1].data
    assert (edited["set"], edited["before"]) == ({"country": "DE", "vat": 19}, {"country": "FR"})
    act(world, Command(act=Act.EDIT, unset=["vat", "nothing"]))
    assert world.saga.data == {"country": "DE"}
    with pytest.raises(CannotNow, match="same as before"):
        act(world, Command(act=Act.EDIT, set={"country": "DE"}))


def test_while_a_step_runs_a_saga_can_only_be_ended() -> None:
    world = made()
    world.run_until("do:charge")
    running = world.next()
    world.attempt(running)  # type: ignore[arg-type]
    assert acts.possible(world.saga) == (Act.TERMINATE,)
    seen = previewing.preview(world.saga, Command(act=Act.TERMINATE), now=world.now)
    assert "late one" in " ".join(seen.warnings)
    assert "reserve" in " ".join(seen.warnings)


@pytest.mark.parametrize("end", [Act.RESOLVE, Act.TERMINATE])
def test_what_is_over_stays_so(end: Act) -> None:
    world = made()
    world.run(("do:charge", LOST))
    act(world, Command(act=end))
    assert acts.possible(world.saga) == ()
    with pytest.raises(CannotNow, match="is over"):
        act(world, Command(act=Act.RETRY))


def test_of_an_event_that_was_lost_a_person_can_say_what_it_brought() -> None:
    definition = saga(
        "order",
        steps=[
            step("reserve", do=work, undo=work),
            wait("paid", event="payment.settled", deadline=minutes(1), late="person"),
            step("ship", do=work),
        ],
    )
    world = World(definition)
    world.run()
    assert world.saga.parked == Parked.EVENT_MISSING
    assert acts.possible(world.saga)[:3] == (Act.RETRY, Act.HAPPENED, Act.SKIP)
    act(world, Command(act=Act.HAPPENED, result={"amount": 5}))
    assert world.saga.data == {"paid": {"amount": 5}}
    assert world.run() == ["do:ship"]
