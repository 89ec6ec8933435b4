"""What an operator can do to a saga: whether it is possible now, what is written down, and what will follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from reliability.kernel.errors import Refused
from sagas.domain import codec, folding
from sagas.domain.history import Event, Kind, Side
from sagas.domain.moves import IllegalEvent
from sagas.domain.plan import StepPlan
from sagas.domain.state import ENDED, Direction, Effect, Saga, Status


class Act(StrEnum):
    """An operator's act; the words stand in addresses, so they never change."""

    RETRY = "retry"
    PROBE = "probe"
    HAPPENED = "happened"
    NOT_HAPPENED = "not_happened"
    SKIP = "skip"
    COMPENSATE = "compensate"
    RESUME = "resume"
    EDIT = "edit"
    RESOLVE = "resolve"
    TERMINATE = "terminate"


class CannotNow(Refused):
    """The saga is not in a state in which this can be done."""

    code = "saga-state"


class DataMissing(CannotNow):
    """Later steps read data that nobody has given."""

    code = "data-missing"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An act with what it needs: ``step`` for resuming, ``result`` for data of a skipped or declared step, ``set`` and
    ``unset`` for edited data, ``timeout`` for the time that a resumed saga gets."""

    act: Act
    step: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    set: Mapping[str, Any] = field(default_factory=dict)
    unset: Sequence[str] = ()
    timeout: timedelta | None = None


def possible(saga: Saga) -> tuple[Act, ...]:
    """Return the acts that could be done now, in the order in which they are offered."""
    resume = Command(act=Act.RESUME, step=resumable(saga))
    return tuple(act for act in Act if not refusal(saga, resume if act is Act.RESUME else Command(act=act)))


def refusal(saga: Saga, command: Command) -> str:
    """Return why an act cannot be done now; empty when it can."""
    if saga.busy is not None and command.act is not Act.TERMINATE:
        return f"{saga.busy[0].name} runs at this moment; wait for its answer."
    if saga.status in ENDED and not (command.act is Act.RESUME and saga.status is Status.COMPENSATED):
        return f"The saga is over: {saga.status}."
    return _CHECKS[command.act](saga, command)


def event(saga: Saga, command: Command, *, actor: str, reason: str, now: datetime) -> Event:
    """Return what is written down of the act; raises ``CannotNow``, ``DataMissing`` and ``codec.NotStorable``."""
    why = refusal(saga, command)
    if why:
        raise CannotNow(why)
    lacking = _lacking(saga, command)
    if lacking:
        raise DataMissing(f"Later steps read {' and '.join(lacking)} of {step_at_hand(saga)}: give them as data.")
    for typed in (command.set, command.result):
        codec.check_typed(dict(typed))
    made = _EVENTS[command.act](saga, command, now)
    made = replace(made, actor=actor, data={**made.data, "reason": reason})
    try:
        folding.apply(saga, made)
    except IllegalEvent as error:
        raise CannotNow(str(error)) from error
    return made


def to_give(saga: Saga, act: Act) -> dict[str, Any]:
    """Return the shape of the data that an act has to give in place of the step at hand, with None for each value.

    What a step returns is added to the data; what came with an event stands there under the step's name.
    """
    work = work_at_hand(saga)
    if work is None or act not in GIVING or work[1] is not Side.DO:
        return {}
    step = work[0]
    lacking: dict[str, Any] = {name: None for name in step.gives if step.waits or saga.data.get(name) is None}
    return {step.name: lacking} if lacking and step.waits and act is Act.SKIP else lacking


def step_at_hand(saga: Saga) -> str:
    """Return the name of the step at hand."""
    return saga.at_hand[0].name if saga.at_hand is not None else ""


def lacking_names(saga: Saga, act: Act) -> list[str]:
    """Return the names of what an act has to give."""
    return _lacking(saga, Command(act=act))


def _lacking(saga: Saga, command: Command) -> list[str]:
    shape, given = to_give(saga, command.act), command.result
    for name, inner in shape.items():
        if isinstance(inner, dict):
            found = given.get(name)
            shape, given = inner, found if isinstance(found, Mapping) else {}
    return [name for name in shape if given.get(name) is None]


def work_at_hand(saga: Saga) -> tuple[StepPlan, Side, Effect] | None:
    """Return the side of a step that is next, and how it stands; None at the end of the way."""
    if saga.at_hand is None:
        return None
    step, side = saga.at_hand
    return step, side, saga.state_of(step.name).side(side).effect


def resumable(saga: Saga) -> str:
    """The first step that is not in effect: the natural place to go on from."""
    for step in saga.plan.steps:
        state = saga.state_of(step.name)
        if not state.do.is_done or state.undo.effect is Effect.SUCCEEDED:
            return step.name
    return saga.plan.steps[-1].name


def _check_retry(saga: Saga, command: Command) -> str:
    work = work_at_hand(saga)
    if work is None or work[2] not in (Effect.RETRYING, Effect.FAILED, Effect.UNKNOWN):
        return "No step waits for another try."
    if work[2] is Effect.UNKNOWN and (work[1] is Side.DO) is not (saga.direction is Direction.FORWARD):
        return f"The saga goes back, so {work[0].name} is not done again: say whether it happened."
    return ""


def _check_probe(saga: Saga, command: Command) -> str:
    work = work_at_hand(saga)
    if work is None or work[2] is not Effect.UNKNOWN:
        return "The outcome of every try is known."
    return "" if work[0].probes and work[1] is Side.DO else f"{work[0].name} has no probe."


def _check_declared(saga: Saga, command: Command) -> str:
    work = work_at_hand(saga)
    if command.act is Act.HAPPENED and work is not None and work[0].waits and work[2] in WAITED:
        return ""  # the event came, and the saga was not told
    return "" if work is not None and work[2] is Effect.UNKNOWN else "The outcome of every try is known."


def _check_skip(saga: Saga, command: Command) -> str:
    if saga.at_hand is None:
        return "No step is left."
    if command.step and command.step != saga.at_hand[0].name:
        return f"{saga.at_hand[0].name} is the step at hand, not {command.step}."
    return ""


def _check_compensate(saga: Saga, command: Command) -> str:
    if saga.is_beyond_pivot:
        return "The saga is beyond its pivot: it only goes forward."
    return "The saga goes back already." if saga.status is Status.COMPENSATING else ""


def _check_resume(saga: Saga, command: Command) -> str:
    if saga.status not in (Status.NEEDS_OPERATOR, Status.COMPENSATED):
        return "Only a saga that rests can be resumed: one that needs an operator, or was compensated."
    names = [step.name for step in saga.plan.steps]
    if command.step not in names:
        return f"The saga has no step {command.step!r}; it has {', '.join(names)}."
    first = resumable(saga)
    if names.index(command.step) > names.index(first):
        return f"{first} is not in effect, so the saga can go on from there at the latest."
    return ""


def _check_edit(saga: Saga, command: Command) -> str:
    return ""


def _check_end(saga: Saga, command: Command) -> str:
    return ""


def _at_hand(kind: Kind, **data: Any) -> Callable[[Saga, Command, datetime], Event]:
    def make(saga: Saga, command: Command, now: datetime) -> Event:
        if saga.at_hand is None:
            raise CannotNow("No step is left.")
        step, side = saga.at_hand
        facts = {**data, **({"result": dict(command.result)} if command.result else {})}
        if kind is Kind.DECLARED and not data["happened"]:
            facts |= {"due": now.isoformat()}
        return Event(kind=kind, at=now, step=step.name, side=side, data=facts)

    return make


def _whole(kind: Kind) -> Callable[[Saga, Command, datetime], Event]:
    def make(saga: Saga, command: Command, now: datetime) -> Event:
        return Event(kind=kind, at=now)

    return make


def _resume(saga: Saga, command: Command, now: datetime) -> Event:
    deadline = (now + command.timeout).isoformat() if command.timeout is not None else None
    return Event(kind=Kind.RESUMED, at=now, step=command.step, data={"deadline": deadline})


def _edit(saga: Saga, command: Command, now: datetime) -> Event:
    changed = {name: value for name, value in command.set.items() if saga.data.get(name, _ABSENT) != value}
    gone = [name for name in command.unset if name in saga.data]
    if not changed and not gone:
        raise CannotNow("The data are the same as before.")
    before = {name: saga.data[name] for name in (*changed, *gone) if name in saga.data}
    return Event(kind=Kind.EDITED, at=now, data={"set": changed, "unset": gone, "before": before})


def _happened(saga: Saga, command: Command, now: datetime) -> Event:
    """Of a step that waits: its event came, with this payload. Of any other: its last try did what it should."""
    work = work_at_hand(saga)
    if work is None or not work[0].waits:
        return _at_hand(Kind.DECLARED, happened=True)(saga, command, now)
    data = {"event": work[0].event, "event_id": "", "payload": dict(command.result)}
    return Event(kind=Kind.ARRIVED, at=now, step=work[0].name, data=data)


GIVING: Final = frozenset({Act.HAPPENED, Act.SKIP})
"""Acts that say in place of a step that it is done."""
WAITED: Final = (Effect.AWAITING, Effect.FAILED)
_ABSENT: Final = object()
_CHECKS: Final[dict[Act, Callable[[Saga, Command], str]]] = {
    Act.RETRY: _check_retry,
    Act.PROBE: _check_probe,
    Act.HAPPENED: _check_declared,
    Act.NOT_HAPPENED: _check_declared,
    Act.SKIP: _check_skip,
    Act.COMPENSATE: _check_compensate,
    Act.RESUME: _check_resume,
    Act.EDIT: _check_edit,
    Act.RESOLVE: _check_end,
    Act.TERMINATE: _check_end,
}
_EVENTS: Final[dict[Act, Callable[[Saga, Command, datetime], Event]]] = {
    Act.RETRY: _at_hand(Kind.RETRIED),
    Act.PROBE: _at_hand(Kind.RETRIED, probe=True),
    Act.HAPPENED: _happened,
    Act.NOT_HAPPENED: _at_hand(Kind.DECLARED, happened=False),
    Act.SKIP: _at_hand(Kind.SKIPPED),
    Act.COMPENSATE: _whole(Kind.TURNED),
    Act.RESUME: _resume,
    Act.EDIT: _edit,
    Act.RESOLVE: _whole(Kind.RESOLVED),
    Act.TERMINATE: _whole(Kind.TERMINATED),
}
