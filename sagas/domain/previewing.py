"""What an act would lead to: the calls that follow, with their keys, and how the saga ends if each succeeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sagas.domain import folding
from sagas.domain.acts import Act, Command, event, work_at_hand
from sagas.domain.history import Side
from sagas.domain.plan import StepPlan
from sagas.domain.state import ACTIVE, Direction, Effect, Saga, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that will be made if all goes well; ``repeated``: a try under the same key was made before."""

    step: str
    side: Side
    key: str
    local: bool
    repeated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an act would lead to. ``status``: right after it; ``ends``: when every call succeeds."""

    status: Status
    ends: Status
    calls: tuple[Call, ...]
    warnings: tuple[str, ...]


def preview(saga: Saga, command: Command, *, now: datetime) -> Preview:
    """Return what the act would lead to; raises ``CannotNow``."""
    after = folding.apply(saga, event(saga, command, actor="preview", reason="", now=now))
    calls = tuple(_calls(after))
    ends = after.status
    if after.status in ACTIVE:
        ends = Status.COMPLETED if after.direction is Direction.FORWARD else Status.COMPENSATED
        ends = Status.NEEDS_OPERATOR if _must_be_told(after) else ends
    return Preview(status=after.status, ends=ends, calls=calls, warnings=tuple(_warnings(saga, command)))


def _must_be_told(saga: Saga) -> StepPlan | None:
    """The step of which a person has to say whether it happened, before what was done can be undone."""
    if saga.direction is Direction.FORWARD or saga.at_hand is None:
        return None
    step, side = saga.at_hand
    return step if side is Side.DO and not step.probes else None


def _calls(saga: Saga) -> list[Call]:
    if saga.status not in ACTIVE or _must_be_told(saga):
        return []
    if saga.direction is Direction.FORWARD:
        steps = [(step, Side.DO) for step in saga.plan.steps if not saga.state_of(step.name).do.is_done]
    else:
        steps = [(step, Side.UNDO) for step in reversed(saga.plan.steps) if saga.owes_undo(step)]
    return [
        Call(
            step=step.name,
            side=side,
            key=saga.idempotency_key(step.name, side),
            local=step.local,
            repeated=saga.state_of(step.name).side(side).attempts > 0,
        )
        for step, side in steps
        if not step.waits
    ]


def _warnings(saga: Saga, command: Command) -> list[str]:
    if command.act in (Act.RETRY, Act.SKIP):
        return _warnings_at_hand(saga, command)
    if command.act is Act.RESUME:
        return [
            f"{step.name} was done and not undone. It is done again, under a new key."
            for step in saga.plan.steps[saga.plan.place(command.step) :]
            if _is_in_effect(saga, step)
        ]
    if command.act in (Act.TERMINATE, Act.RESOLVE):
        return _warnings_of_ending(saga, command)
    return _warnings_of_undoing(saga) if command.act is Act.COMPENSATE else []


def _warnings_at_hand(saga: Saga, command: Command) -> list[str]:
    work = work_at_hand(saga)
    if work is None:
        return []
    step, side, effect = work
    if command.act is Act.SKIP:
        lacks = side is Side.DO and not command.result
        return [f"Later steps get no data of {step.name}: add what they need."] if lacks else []
    if step.waits:
        return [f"It waits for {step.event} once more; nothing is called before that comes."]
    unknown = effect is Effect.UNKNOWN
    return [f"{step.name} may have happened. It is tried again under the same key."] if unknown else []


def _is_in_effect(saga: Saga, step: StepPlan) -> bool:
    state = saga.state_of(step.name)
    return state.do.effect is Effect.SUCCEEDED and state.undo.effect is not Effect.SUCCEEDED and not step.waits


def _warnings_of_ending(saga: Saga, command: Command) -> list[str]:
    warnings = []
    left = [step.name for step in saga.plan.steps if saga.owes_undo(step)]
    if left:
        warnings.append(f"What was done stays: {', '.join(left)}.")
    if command.act is Act.TERMINATE and saga.busy is not None:
        warnings.append(f"{saga.busy[0].name} runs at this moment; its answer will be kept as a late one.")
    return warnings


def _warnings_of_undoing(saga: Saga) -> list[str]:
    if saga.backward is None:
        return ["Nothing is left to undo: the saga ends at once."]
    back = replace(saga, status=Status.COMPENSATING, direction=Direction.BACKWARD)
    step = _must_be_told(back)
    return [f"Nobody knows whether {step.name} happened: it needs a person again, to say so."] if step else []
