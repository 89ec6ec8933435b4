"""From a history to a state: ``apply`` is the one place that says what an entry means."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from sagas.domain.history import Event, Kind, Outcome, Side, instant
from sagas.domain.moves import IllegalEvent, moved
from sagas.domain.plan import Plan
from sagas.domain.state import ACTIVE, Direction, Effect, Parked, Saga, Status, StepState


def begin(saga_id: str, event: Event) -> Saga:
    """Return the saga that a history's first entry begins; raises ``IllegalEvent`` when it is another entry."""
    if event.kind is not Kind.STARTED:
        raise IllegalEvent(f"A history begins with {Kind.STARTED}, not with {event.kind}.")
    facts = event.data
    return Saga(
        id=saga_id,
        definition=facts["definition"],
        definition_version=facts["definition_version"],
        key=facts["key"],
        plan=Plan.from_json(facts["plan"]),
        started_at=event.at,
        deadline=instant(facts.get("deadline")),
        data=facts.get("data", {}),
        changed_at=event.at,
    )


def fold(saga_id: str, history: Iterable[Event]) -> Saga:
    """Return what a whole history amounts to; raises ``IllegalEvent`` for one that could not have happened."""
    entries = iter(history)
    first = next(entries, None)
    if first is None:
        raise IllegalEvent("A history has at least one entry.")
    saga = begin(saga_id, first)
    for event in entries:
        saga = apply(saga, event)
    return saga


def apply(saga: Saga, event: Event) -> Saga:
    """Return the saga after ``event``; raises ``IllegalEvent`` when it cannot happen now."""
    after = _RULES[event.kind](saga, event)
    return replace(after, version=saga.version + 1, changed_at=event.at)


def _started(saga: Saga, event: Event) -> Saga:
    raise IllegalEvent("A saga starts once.")


def _worked(saga: Saga, event: Event) -> Saga:
    """A try, its end, or a wait for an event: the plain moves of one side of a step."""
    if saga.status not in ACTIVE:
        raise IllegalEvent(f"The saga is {saga.status}: {event.kind} cannot happen.")
    if event.kind in (Kind.ATTEMPTED, Kind.AWAITED):
        _check_direction(saga, event.side)
    return moved(saga, event, event.kind)


def _check_direction(saga: Saga, side: Side) -> None:
    """No effect goes forward once compensation began, and none is taken back before: on every path, retries too."""
    if (side is Side.DO) is not (saga.direction is Direction.FORWARD):
        raise IllegalEvent(f"The saga goes {saga.direction}: no {side} begins now.")


def _probed(saga: Saga, event: Event) -> Saga:
    if saga.status not in ACTIVE:
        raise IllegalEvent(f"The saga is {saga.status}: {event.kind} cannot happen.")
    answer = Outcome(event.data["answer"])
    if answer is Outcome.FAILED:  # it did not happen: it is tried again, if it may be
        return moved(saga, event, Kind.RETRYING if event.data.get("due") else Kind.FAILED)
    return moved(saga, event, Kind.SUCCEEDED if answer is Outcome.SUCCEEDED else Kind.UNKNOWN)


def _late(saga: Saga, event: Event) -> Saga:
    """The answer of a try that had been given up. What happened is taken over, never thrown away."""
    noted = replace(saga, late=saga.late + 1)
    outcome = Outcome(event.data["outcome"])
    effect = saga.state_of(event.step).side(event.side).effect
    current = saga.idempotency_key(event.step, event.side)
    if outcome is Outcome.UNKNOWN or event.data.get("key", current) != current:
        return noted  # of work that a person has had done anew it says nothing
    if outcome is Outcome.FAILED:
        one_of_many = saga.plan.step(event.step).unknown == "repeat"  # others may have happened all the same
        if effect is not Effect.UNKNOWN or one_of_many or saga.status in (Status.RESOLVED, Status.TERMINATED):
            return noted
        again = (event.side is Side.DO) is (saga.direction is Direction.FORWARD)
        return _known_again(moved(noted, event, Kind.RETRYING if again else Kind.FAILED))
    if effect in (Effect.UNKNOWN, Effect.RETRYING, Effect.FAILED):
        noted = _known_again(moved(noted, event, Kind.SUCCEEDED))
    return _happened_after_undo(noted, event) if event.side is Side.DO else noted


def _known_again(saga: Saga) -> Saga:
    return _active_again(saga) if saga.parked == Parked.UNKNOWN else saga


def _happened_after_undo(saga: Saga, event: Event) -> Saga:
    """Something happened that a finished compensation did not know of: only a person can say what is right.

    Not where the other side knows keys: for it this is the work that was undone, or it refused it after its undo.
    """
    undone = saga.state_of(event.step).undo.effect is Effect.SUCCEEDED
    if undone and saga.plan.step(event.step).unknown == "repeat":
        return saga
    if saga.status is Status.COMPENSATED or (saga.status is Status.COMPENSATING and undone):
        reason = f"{event.step} happened after the saga had taken it for not done, or had undone it"
        return replace(saga, status=Status.NEEDS_OPERATOR, parked=Parked.LATE_EFFECT, reason=reason)
    return saga


def _arrived(saga: Saga, event: Event) -> Saga:
    result = {event.step: event.data.get("payload")}
    after = moved(saga, replace(event, data={**event.data, "result": result}), Kind.SUCCEEDED)
    return _active_again(after) if event.actor or saga.parked == Parked.EVENT_MISSING else after


def _expired(saga: Saga, event: Event) -> Saga:
    return moved(saga, event, Kind.FAILED)


def _turned(saga: Saga, event: Event) -> Saga:
    """Back. Also once more, for a saga that had gone back and needs an operator."""
    if saga.status not in (Status.RUNNING, Status.NEEDS_OPERATOR):
        raise IllegalEvent(f"The saga is {saga.status}: compensation cannot begin.")
    if saga.is_beyond_pivot:
        raise IllegalEvent("The saga is beyond its pivot: it only goes forward.")
    if saga.busy:
        raise IllegalEvent("A step runs: compensation begins when its outcome is known.")
    return replace(
        saga,
        status=Status.COMPENSATING,
        direction=Direction.BACKWARD,
        parked="",
        reason=event.data.get("reason", ""),
        steps={name: _unclear_again(state, event.at) for name, state in saga.steps.items()},
    )


def _unclear_again(state: StepState, at: datetime) -> StepState:
    """A try that may have happened counts as unknown again, when no further try will tell."""
    if not state.do.unclear or state.do.effect is Effect.UNKNOWN:
        return state
    return replace(state, do=replace(state.do, effect=Effect.UNKNOWN, due_at=at))


def _completed(saga: Saga, event: Event) -> Saga:
    if saga.status is not Status.RUNNING or saga.forward is not None:
        raise IllegalEvent("Not every step is done.")
    return replace(saga, status=Status.COMPLETED, reason="")


def _compensated(saga: Saga, event: Event) -> Saga:
    if saga.status is not Status.COMPENSATING or saga.backward is not None:
        raise IllegalEvent("Not everything is undone.")
    return replace(saga, status=Status.COMPENSATED)


def _parked(saga: Saga, event: Event) -> Saga:
    if saga.status not in ACTIVE:
        raise IllegalEvent(f"The saga is {saga.status}.")
    return replace(saga, status=Status.NEEDS_OPERATOR, parked=event.data["code"], reason=event.data.get("reason", ""))


def _retried(saga: Saga, event: Event) -> Saga:
    """At once and with new tries; ``probe``: ask again what happened, instead of doing it again."""
    if event.data.get("probe"):
        return _active_again(moved(saga, event, Kind.UNKNOWN, anew=True))
    _check_direction(saga, event.side)
    return _active_again(moved(saga, event, Kind.RETRIED, anew=True))


def _skipped(saga: Saga, event: Event) -> Saga:
    return _active_again(moved(saga, event, Kind.SKIPPED))


def _declared(saga: Saga, event: Event) -> Saga:
    if saga.state_of(event.step).side(event.side).effect is not Effect.UNKNOWN:
        raise IllegalEvent(f"What became of {event.step} is known.")
    if event.data["happened"]:
        return _active_again(moved(saga, event, Kind.SUCCEEDED))
    again = (event.side is Side.DO) is (saga.direction is Direction.FORWARD)
    return _active_again(moved(saga, event, Kind.RETRYING if again else Kind.FAILED, anew=True))


def _active_again(saga: Saga) -> Saga:
    if saga.status is not Status.NEEDS_OPERATOR:
        return saga
    if saga.direction is Direction.FORWARD:
        return replace(saga, status=Status.RUNNING, parked="", reason="")
    return replace(saga, status=Status.COMPENSATING, parked="")


def _resumed(saga: Saga, event: Event) -> Saga:
    """Forward again, from a step on, under new keys from there."""
    if saga.status not in (Status.NEEDS_OPERATOR, Status.COMPENSATED) or saga.busy:
        raise IllegalEvent(f"The saga is {saga.status}: it cannot be resumed.")
    steps = dict(saga.steps)
    for step in saga.plan.steps[saga.plan.place(event.step) :]:
        steps[step.name] = StepState(round=saga.state_of(step.name).round + 1)
    return replace(
        saga,
        status=Status.RUNNING,
        direction=Direction.FORWARD,
        parked="",
        reason="",
        steps=steps,
        deadline=instant(event.data.get("deadline")),
    )


def _edited(saga: Saga, event: Event) -> Saga:
    if saga.busy:
        raise IllegalEvent("A step runs with the data as it is.")
    gone = set(event.data.get("unset", ()))
    kept = {name: value for name, value in saga.data.items() if name not in gone}
    return replace(saga, data={**kept, **event.data.get("set", {})})


def _ended(status: Status) -> Callable[[Saga, Event], Saga]:
    def rule(saga: Saga, event: Event) -> Saga:
        if saga.status not in (*ACTIVE, Status.NEEDS_OPERATOR):
            raise IllegalEvent(f"The saga is {saga.status}.")
        return replace(saga, status=status, parked="", reason=event.data.get("reason", ""))

    return rule


_RULES: Final[dict[Kind, Callable[[Saga, Event], Saga]]] = {
    Kind.STARTED: _started,
    Kind.ATTEMPTED: _worked,
    Kind.SUCCEEDED: _worked,
    Kind.RETRYING: _worked,
    Kind.FAILED: _worked,
    Kind.UNKNOWN: _worked,
    Kind.PROBED: _probed,
    Kind.LATE: _late,
    Kind.AWAITED: _worked,
    Kind.ARRIVED: _arrived,
    Kind.EXPIRED: _expired,
    Kind.TURNED: _turned,
    Kind.COMPLETED: _completed,
    Kind.COMPENSATED: _compensated,
    Kind.PARKED: _parked,
    Kind.RETRIED: _retried,
    Kind.SKIPPED: _skipped,
    Kind.DECLARED: _declared,
    Kind.RESUMED: _resumed,
    Kind.EDITED: _edited,
    Kind.RESOLVED: _ended(Status.RESOLVED),
    Kind.TERMINATED: _ended(Status.TERMINATED),
}
