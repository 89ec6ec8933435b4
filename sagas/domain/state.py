"""The state of a saga: what a history amounts to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from sagas.domain.history import Side, instant
from sagas.domain.plan import Plan, StepPlan


class Status(StrEnum):
    """How a saga is, in one word."""

    RUNNING = "running"
    COMPENSATING = "compensating"
    NEEDS_OPERATOR = "needs_operator"
    COMPLETED = "completed"
    COMPENSATED = "compensated"
    RESOLVED = "resolved"  # a person put it right by other means
    TERMINATED = "terminated"  # a person ended it; nothing was undone

    @property
    def is_over(self) -> bool:
        """Whether nothing happens to it any more."""
        return self in ENDED


ACTIVE = frozenset({Status.RUNNING, Status.COMPENSATING})
ENDED = frozenset({Status.COMPLETED, Status.COMPENSATED, Status.RESOLVED, Status.TERMINATED})


class Direction(StrEnum):
    """Where a saga goes: on, or back."""

    FORWARD = "forward"
    BACKWARD = "backward"


class Parked(StrEnum):
    """Why a saga needs an operator."""

    UNKNOWN = "unknown_outcome"
    BEYOND_PIVOT = "failed_beyond_pivot"
    UNDO_FAILED = "undo_failed"
    LATE_EFFECT = "late_effect"
    EVENT_MISSING = "event_missing"
    CRASHES = "crashes"


class Effect(StrEnum):
    """How one side of a step stands."""

    IDLE = "idle"
    RUNNING = "running"
    RETRYING = "retrying"
    AWAITING = "awaiting"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One side of one step. ``failures`` counts since a person last asked for a retry; ``attempts`` never restarts.

    ``unclear``: a try ended without an answer, and nothing since has said that it did not happen.
    """

    effect: Effect = Effect.IDLE
    attempts: int = 0
    failures: int = 0
    unclear: bool = False
    begun_at: datetime | None = None
    due_at: datetime | None = None
    ended_at: datetime | None = None
    why: str = ""
    error: str = ""

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do here."""
        return self.effect in (Effect.SUCCEEDED, Effect.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepState:
    """Both sides of a step; ``round`` is part of its keys and grows when a person has it done anew."""

    do: Work = Work()
    undo: Work = Work()
    round: int = 1

    def side(self, side: Side) -> Work:
        """Return one side."""
        return self.do if side is Side.DO else self.undo


@dataclass(frozen=True, slots=True, kw_only=True)
class Saga:
    """A saga at one point of its history; ``version`` counts the entries up to there."""

    id: str
    definition: str
    definition_version: int
    key: str
    plan: Plan
    started_at: datetime
    deadline: datetime | None
    version: int = 1
    status: Status = Status.RUNNING
    direction: Direction = Direction.FORWARD
    data: Mapping[str, Any] = field(default_factory=dict)
    steps: Mapping[str, StepState] = field(default_factory=dict)
    parked: str = ""
    reason: str = ""  # why it turned, was parked or was ended
    changed_at: datetime | None = None
    late: int = 0  # results that came after their try had been given up

    def state_of(self, name: str) -> StepState:
        """Return how a step stands; raises ``KeyError`` for a step that the plan does not have."""
        known = self.steps.get(name)
        if known is None:
            self.plan.place(name)  # a name that is none says so
            known = StepState()
        return known

    def idempotency_key(self, step: str, side: Side) -> str:
        """Return the key for one side of a step: the same for every try of it, another one for every other work."""
        number = self.state_of(step).round
        return f"{self.id}:{step}:{side}" + (f":{number}" if number > 1 else "")

    @property
    def is_beyond_pivot(self) -> bool:
        """Whether the point of no return was passed. A saga that has turned back never passes it."""
        if self.plan.pivot is None or self.direction is Direction.BACKWARD:
            return False
        return all(self.state_of(step.name).do.is_done for step in self.plan.steps[: self.plan.pivot])

    @property
    def forward(self) -> StepPlan | None:
        """The first step that is not done."""
        return next((step for step in self.plan.steps if not self.state_of(step.name).do.is_done), None)

    @property
    def backward(self) -> StepPlan | None:
        """The last step that is to be taken back, and is not yet."""
        return next((step for step in reversed(self.plan.steps) if self.owes_undo(step)), None)

    @property
    def busy(self) -> tuple[StepPlan, Side] | None:
        """The work of which a try began and no end is written down."""
        for step, side, work in self.works():
            if work.effect is Effect.RUNNING:
                return step, side
        return None

    def works(self) -> Iterator[tuple[StepPlan, Side, Work]]:
        """Yield both sides of every step, in the order of the plan."""
        for step in self.plan.steps:
            state = self.state_of(step.name)
            yield step, Side.DO, state.do
            yield step, Side.UNDO, state.undo

    def owes_undo(self, step: StepPlan) -> bool:
        """Whether something of the step is there, or may be there, and has not been taken back."""
        state = self.state_of(step.name)
        if not step.undoes or state.undo.is_done:
            return False
        if state.do.effect in (Effect.SUCCEEDED, Effect.UNKNOWN, Effect.RUNNING):
            return True
        return step.partial and state.do.attempts > 0 and state.do.effect is not Effect.SKIPPED

    @property
    def at_hand(self) -> tuple[StepPlan, Side] | None:
        """The work that is next, whichever way the saga goes; None at its end."""
        if self.direction is Direction.FORWARD:
            return (self.forward, Side.DO) if self.forward else None
        step = self.backward
        if step is None:
            return None
        unclear = self.state_of(step.name).do.effect is Effect.UNKNOWN
        begun = self.state_of(step.name).undo.effect is not Effect.IDLE
        must_know = unclear and not begun and (step.probes or step.unknown != "repeat")
        return (step, Side.DO) if must_know else (step, Side.UNDO)


def as_json(saga: Saga) -> dict[str, Any]:
    """Return a saga as plain values, for a snapshot and for comparing."""
    return {
        each.name: _plain(getattr(saga, each.name)) for each in fields(saga) if each.name not in ("steps", "plan")
    } | {
        "plan": saga.plan.as_json(),
        "steps": {
            name: {"do": _work(step.do), "undo": _work(step.undo), "round": step.round}
            for name, step in sorted(saga.steps.items())
        },
    }


def from_json(value: Mapping[str, Any]) -> Saga:
    """Return the saga in a snapshot; raises ``KeyError`` or ``ValueError`` when it is none."""
    plain = dict(value)
    for name in ("started_at", "deadline", "changed_at"):
        plain[name] = instant(plain[name])
    plain["status"], plain["direction"] = Status(plain["status"]), Direction(plain["direction"])
    plain["plan"] = Plan.from_json(plain["plan"])
    plain["steps"] = {
        name: StepState(do=_work_from(step["do"]), undo=_work_from(step["undo"]), round=step["round"])
        for name, step in plain["steps"].items()
    }
    return Saga(**plain)


def _work(work: Work) -> dict[str, Any]:
    return {each.name: _plain(getattr(work, each.name)) for each in fields(work)}


def _work_from(value: Mapping[str, Any]) -> Work:
    plain = dict(value)
    for name in ("begun_at", "due_at", "ended_at"):
        plain[name] = instant(plain[name])
    return Work(**(plain | {"effect": Effect(plain["effect"])}))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
