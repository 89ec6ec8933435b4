"""From how a try ended to what is written down: when it is tried again, asked about, or given up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sagas.domain.deciding import Ask, Recover, Run
from sagas.domain.definition import Step
from sagas.domain.history import Event, Kind, Outcome, Side, Why
from sagas.domain.plan import StepPlan
from sagas.domain.policies import Retry
from sagas.domain.state import Direction, Saga

Random = Callable[[], float]
ERROR_CHARACTERS_MAX = 2000  # a page shows no more; the whole error is in the log with the trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a try or a probe ended."""

    outcome: Outcome
    result: Mapping[str, Any] = field(default_factory=dict)
    why: Why | None = None
    error: str = ""


def attempted(act: Run, *, now: datetime, until: datetime, trace: str = "") -> Event:
    """Return the intent of a try, to be written down before anything is done."""
    data = {"key": act.key, "due": until.isoformat(), **({"trace": trace} if trace else {})}
    return Event(kind=Kind.ATTEMPTED, at=now, step=act.step.name, side=act.side, attempt=act.attempt, data=data)


def settled(saga: Saga, act: Run, ended: Ended, step: Step, *, now: datetime, random: Random) -> Event:
    """Return what is written down of a try that ended. ``random`` returns a float in [0, 1)."""
    about = _about(act.step, act.side, act.attempt, now)
    if ended.outcome is Outcome.SUCCEEDED:
        return about(Kind.SUCCEEDED, {"result": dict(ended.result)})
    facts = {"error": ended.error[:ERROR_CHARACTERS_MAX], "why": str(ended.why or Why.BUG)}
    due = _again(saga, act.step, act.side, step, now=now, random=random)
    if ended.outcome is Outcome.UNKNOWN and not act.step.local:
        return about(Kind.UNKNOWN, facts | _due(due))
    if ended.why is Why.PERMANENT or due is None:
        return about(Kind.FAILED, facts)
    return about(Kind.RETRYING, facts | _due(due))


def recovered(saga: Saga, act: Recover, step: Step, *, now: datetime, random: Random) -> Event:
    """Return what is written down of a try of which nobody wrote down the end: its outcome is unknown."""
    due = _again(saga, act.step, act.side, step, now=now, random=random)
    ends = saga.state_of(act.step.name).side(act.side).due_at
    late = ends is not None and now >= ends
    error = "it took longer than its timeout" if late else "its process ended, or was cut off, before it had an answer"
    facts = {"error": error, "why": str(Why.TIMEOUT if late else Why.DIED)}
    return _about(act.step, act.side, act.attempt, now)(Kind.UNKNOWN, facts | _due(due))


def probed(saga: Saga, act: Ask, ended: Ended, step: Step, *, now: datetime, random: Random) -> Event:
    """Return what is written down of a probe: FAILED says that the work did not happen."""
    facts: dict[str, Any] = {"answer": str(ended.outcome)}
    if ended.outcome is Outcome.SUCCEEDED:
        facts["result"] = dict(ended.result)
    else:
        due = _again(saga, act.step, act.side, step, now=now, random=random)
        forward = saga.direction is Direction.FORWARD
        if ended.outcome is Outcome.UNKNOWN or forward:
            facts |= _due(due)
        facts |= {"error": ended.error[:ERROR_CHARACTERS_MAX] or _WORDS[ended.outcome], "why": str(ended.why or "")}
    return _about(act.step, act.side, act.attempt, now)(Kind.PROBED, facts)


def late(act: Run, ended: Ended, *, now: datetime) -> Event:
    """Return what is written down of an answer that came after its try had been given up."""
    facts = {
        "key": act.key,
        "outcome": str(ended.outcome),
        "result": dict(ended.result),
        "error": ended.error[:ERROR_CHARACTERS_MAX],
        "due": now.isoformat(),
    }
    return _about(act.step, act.side, act.attempt, now)(Kind.LATE, facts)


_WORDS = {Outcome.FAILED: "the probe says that it did not happen", Outcome.UNKNOWN: "the probe does not know either"}


def _about(step: StepPlan, side: Side, attempt: int, now: datetime) -> Callable[[Kind, Mapping[str, Any]], Event]:
    def event(kind: Kind, data: Mapping[str, Any]) -> Event:
        return Event(kind=kind, at=now, step=step.name, side=side, attempt=attempt, data=data)

    return event


def _due(due: datetime | None) -> dict[str, str]:
    return {"due": due.isoformat()} if due is not None else {}


def _again(saga: Saga, plan: StepPlan, side: Side, step: Step, *, now: datetime, random: Random) -> datetime | None:
    work = saga.state_of(plan.name).side(side)
    policy: Retry = step.retry if side is Side.DO else step.undo_retry
    spent = now - work.begun_at if work.begun_at is not None else timedelta(0)
    wait = policy.wait(failures=work.failures + 1, spent=spent, random=random)
    return now + wait if wait is not None else None
