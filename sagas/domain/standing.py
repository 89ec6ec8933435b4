"""How a saga stands, in a sentence: why it is here, what happens next by itself, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sagas.domain.state import Effect, Parked, Status

Severity = Literal["calm", "busy", "warn", "bad"]
LATE_AFTER = timedelta(seconds=15)  # a wake-up, a lease of ten seconds, and some patience
RETRIES_WARN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a list knows of a saga."""

    status: str
    step: str
    side: str
    effect: str
    attempts: int
    waits_for: str
    parked: str
    reason: str
    error: str
    due_at: datetime | None
    look_at: datetime | None
    deadline: datetime | None
    has_code: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """``why``: why it is as it is; ``next``: what happens by itself, empty when nothing does; ``next_at``: when."""

    severity: Severity
    why: str
    next: str = ""
    next_at: datetime | None = None
    stuck: bool = False


_PARKED = {
    Parked.UNKNOWN: "Nobody knows whether it happened",
    Parked.BEYOND_PIVOT: "It failed beyond the point of no return",
    Parked.UNDO_FAILED: "What was done could not be undone",
    Parked.LATE_EFFECT: "Something happened after it had been undone",
    Parked.EVENT_MISSING: "The event it waits for did not come",
    Parked.CRASHES: "Worker after worker ended while at it",
}
_OVER = {
    Status.COMPLETED: "Every step is done.",
    Status.COMPENSATED: "What was done has been undone.",
    Status.RESOLVED: "A person put it right.",
    Status.TERMINATED: "A person ended it; nothing was undone.",
}


def standing(facts: Facts, *, now: datetime) -> Standing:
    """Return how a saga stands at ``now``."""
    status = Status(facts.status)
    if status in _OVER:
        return Standing(severity="calm", why=_with(_OVER[status], facts.reason))
    if status is Status.NEEDS_OPERATOR:
        words = f"{_PARKED[Parked(facts.parked)]}." if facts.parked else "It needs a person."
        return Standing(severity="bad", why=facts.reason or words, stuck=True)
    if facts.look_at is not None and now - facts.look_at > LATE_AFTER:
        return _untaken(facts)
    return _active(facts)


def _untaken(facts: Facts) -> Standing:
    if not facts.has_code:
        why = "No worker has the code of this definition's version."
        return Standing(severity="bad", why=why, next="It goes on when the code is back.", stuck=True)
    why = "It is due, and no worker takes it: are the workers running?"
    return Standing(severity="bad", why=why, next=f"{_what(facts)} as soon as one does.", stuck=True)


def _active(facts: Facts) -> Standing:
    effect = Effect(facts.effect) if facts.effect else Effect.IDLE
    if effect is Effect.AWAITING:
        why = f"It waits for {facts.waits_for}."
        return Standing(severity="busy", why=why, next="Gives up waiting", next_at=facts.due_at)
    if effect is Effect.RUNNING:
        why = f"{_what(facts)}: try {facts.attempts}."
        return Standing(severity="busy", why=why, next="Taken for lost", next_at=facts.due_at)
    if effect in (Effect.RETRYING, Effect.UNKNOWN):
        stuck = facts.attempts >= RETRIES_WARN
        unknown = effect is Effect.UNKNOWN
        what = f"The undo of {facts.step}" if facts.side == "undo" else facts.step
        why = f"{what} {'had no answer' if unknown else 'failed'}, {_times(facts.attempts)}: {facts.error}"
        next_ = "Asked what happened" if unknown else "Next try"
        return Standing(severity="warn", why=why, next=next_, next_at=facts.due_at, stuck=stuck)
    return Standing(
        severity="busy",
        why=_with("It goes back." if facts.status == Status.COMPENSATING else "It goes on.", facts.reason),
    )


def _what(facts: Facts) -> str:
    return f"{facts.step or 'The saga'} {'is being undone' if facts.side == 'undo' else 'runs'}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _with(sentence: str, reason: str) -> str:
    return f"{sentence} {reason}".strip()
