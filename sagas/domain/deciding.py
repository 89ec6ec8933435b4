"""What a saga does next, from its state alone: the same answer in every process, with or without the definition."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sagas.domain.history import Kind, Side
from sagas.domain.plan import StepPlan
from sagas.domain.state import ACTIVE, Direction, Effect, Parked, Saga, Work


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing happens by itself any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleep:
    """Nothing happens before ``until``."""

    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Try one side of a step, under ``key``."""

    step: StepPlan
    side: Side
    attempt: int
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Probe what became of the last try."""

    step: StepPlan
    side: Side
    attempt: int
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Await:
    """Begin to wait for the step's event."""

    step: StepPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Expire:
    """The step's event did not come in time."""

    step: StepPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Recover:
    """A try began whose end nobody wrote down: its process died, or takes too long."""

    step: StepPlan
    side: Side
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Begin to compensate."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Park:
    """Leave it to an operator."""

    code: Parked
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """It is over: completed or compensated."""

    kind: Kind


Act = Rest | Sleep | Run | Ask | Await | Expire | Recover | Turn | Park | Finish


def decide(saga: Saga, *, now: datetime) -> Act:
    """Return what happens next. Never a forward effect once the saga goes back."""
    if saga.status not in ACTIVE:
        return Rest()
    busy = saga.busy
    if busy is not None:
        step, side = busy
        return Recover(step=step, side=side, attempt=saga.state_of(step.name).side(side).attempts)
    return _forward(saga, now) if saga.direction is Direction.FORWARD else _backward(saga, now)


def due_at(saga: Saga, *, now: datetime) -> datetime | None:
    """Return when somebody has to look at the saga; None: it rests until a person, or an event, moves it."""
    act = decide(saga, now=now)
    if isinstance(act, Rest):
        return None
    return act.until if isinstance(act, Sleep) else now


def _forward(saga: Saga, now: datetime) -> Act:
    step = saga.forward
    if step is None:
        return Finish(kind=Kind.COMPLETED)
    work = saga.state_of(step.name).do
    if saga.deadline is not None and now >= saga.deadline and not saga.is_beyond_pivot:
        return Turn(reason="The saga took longer than its timeout.")
    if work.effect is Effect.FAILED:
        return _after_failure(saga, step, work)
    if step.waits:
        return _wait(saga, step, work, now)
    return _sooner(_work(saga, step, Side.DO, work, now), saga)


def _sooner(act: Act, saga: Saga) -> Act:
    """A saga that sleeps wakes up for its deadline too."""
    if isinstance(act, Sleep) and saga.deadline is not None and not saga.is_beyond_pivot:
        return Sleep(until=min(act.until, saga.deadline))
    return act


def _after_failure(saga: Saga, step: StepPlan, work: Work) -> Act:
    if saga.is_beyond_pivot:
        return Park(code=Parked.BEYOND_PIVOT, reason=f"{step.name} failed, and there is no way back: {work.error}")
    if step.waits and step.late == "person":
        return Park(code=Parked.EVENT_MISSING, reason=f"{step.event} did not come in time.")
    return Turn(reason=f"{step.event} did not come in time." if step.waits else f"{step.name} failed: {work.error}")


def _wait(saga: Saga, step: StepPlan, work: Work, now: datetime) -> Act:
    if work.effect is not Effect.AWAITING:
        return Await(step=step)
    if work.due_at is not None and now >= work.due_at:
        return Expire(step=step)
    ends = [each for each in (work.due_at, None if saga.is_beyond_pivot else saga.deadline) if each is not None]
    return Sleep(until=min(ends)) if ends else Rest()


def _backward(saga: Saga, now: datetime) -> Act:
    at_hand = saga.at_hand
    if at_hand is None:
        return Finish(kind=Kind.COMPENSATED)
    step, side = at_hand
    work = saga.state_of(step.name).side(side)
    if work.effect is Effect.FAILED:
        return Park(code=Parked.UNDO_FAILED, reason=f"What {step.name} did could not be undone: {work.error}")
    return _work(saga, step, side, work, now)


def _work(saga: Saga, step: StepPlan, side: Side, work: Work, now: datetime) -> Act:
    if work.effect is Effect.UNKNOWN:
        return _unknown(saga, step, side, work, now)
    if work.due_at is not None and now < work.due_at:
        return Sleep(until=work.due_at)
    return _run(saga, step, side, work)


def _unknown(saga: Saga, step: StepPlan, side: Side, work: Work, now: datetime) -> Act:
    asks = step.probes and side is Side.DO
    repeats = step.unknown == "repeat"
    if work.due_at is None and repeats and saga.direction is Direction.FORWARD and not saga.is_beyond_pivot:
        return Turn(reason=f"{step.name} had no answer: {work.error}")  # its undo may come for what never happened
    if work.due_at is None or not (asks or repeats):
        what = "was done" if side is Side.DO else "was undone"
        return Park(code=Parked.UNKNOWN, reason=f"Nobody knows whether {step.name} {what}: {work.error}")
    if now < work.due_at:
        return Sleep(until=work.due_at)
    if asks:
        key = saga.idempotency_key(step.name, side)
        return Ask(step=step, side=side, attempt=work.attempts, key=key)
    return _run(saga, step, side, work)


def _run(saga: Saga, step: StepPlan, side: Side, work: Work) -> Run:
    return Run(step=step, side=side, attempt=work.attempts + 1, key=saga.idempotency_key(step.name, side))
