"""How one side of one step moves. A ``local`` step commits with its note, so it is never running or unknown.

idle --attempted--> running
idle --succeeded--> succeeded
idle --retrying--> retrying
idle --failed--> failed
idle --awaited--> awaiting
idle --skipped--> skipped
retrying --attempted--> running
retrying --succeeded--> succeeded
retrying --retrying--> retrying
retrying --failed--> failed
retrying --retried--> retrying
retrying --skipped--> skipped
retrying --awaited--> awaiting
running --succeeded--> succeeded
running --retrying--> retrying
running --failed--> failed
running --unknown--> unknown
unknown --attempted--> running
unknown --succeeded--> succeeded
unknown --retrying--> retrying
unknown --failed--> failed
unknown --unknown--> unknown
unknown --retried--> retrying
unknown --skipped--> skipped
failed --succeeded--> succeeded
failed --retried--> retrying
failed --skipped--> skipped
awaiting --succeeded--> succeeded
awaiting --failed--> failed
awaiting --skipped--> skipped

The lines above are the transition table; a test compares them with it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from reliability.kernel.errors import MainstayError
from sagas.domain.history import Event, Kind, Side, instant
from sagas.domain.state import Effect, Saga, Work


class IllegalEvent(MainstayError):
    """This cannot happen to a saga in this state."""


TABLE: Final[dict[tuple[Effect, Kind], Effect]] = {
    (Effect.IDLE, Kind.ATTEMPTED): Effect.RUNNING,
    (Effect.IDLE, Kind.SUCCEEDED): Effect.SUCCEEDED,
    (Effect.IDLE, Kind.RETRYING): Effect.RETRYING,
    (Effect.IDLE, Kind.FAILED): Effect.FAILED,
    (Effect.IDLE, Kind.AWAITED): Effect.AWAITING,
    (Effect.IDLE, Kind.SKIPPED): Effect.SKIPPED,
    (Effect.RETRYING, Kind.ATTEMPTED): Effect.RUNNING,
    (Effect.RETRYING, Kind.SUCCEEDED): Effect.SUCCEEDED,
    (Effect.RETRYING, Kind.RETRYING): Effect.RETRYING,
    (Effect.RETRYING, Kind.FAILED): Effect.FAILED,
    (Effect.RETRYING, Kind.RETRIED): Effect.RETRYING,
    (Effect.RETRYING, Kind.SKIPPED): Effect.SKIPPED,
    (Effect.RETRYING, Kind.AWAITED): Effect.AWAITING,
    (Effect.RUNNING, Kind.SUCCEEDED): Effect.SUCCEEDED,
    (Effect.RUNNING, Kind.RETRYING): Effect.RETRYING,
    (Effect.RUNNING, Kind.FAILED): Effect.FAILED,
    (Effect.RUNNING, Kind.UNKNOWN): Effect.UNKNOWN,
    (Effect.UNKNOWN, Kind.ATTEMPTED): Effect.RUNNING,
    (Effect.UNKNOWN, Kind.SUCCEEDED): Effect.SUCCEEDED,
    (Effect.UNKNOWN, Kind.RETRYING): Effect.RETRYING,
    (Effect.UNKNOWN, Kind.FAILED): Effect.FAILED,
    (Effect.UNKNOWN, Kind.UNKNOWN): Effect.UNKNOWN,
    (Effect.UNKNOWN, Kind.RETRIED): Effect.RETRYING,
    (Effect.UNKNOWN, Kind.SKIPPED): Effect.SKIPPED,
    (Effect.FAILED, Kind.SUCCEEDED): Effect.SUCCEEDED,
    (Effect.FAILED, Kind.RETRIED): Effect.RETRYING,
    (Effect.FAILED, Kind.SKIPPED): Effect.SKIPPED,
    (Effect.AWAITING, Kind.SUCCEEDED): Effect.SUCCEEDED,
    (Effect.AWAITING, Kind.FAILED): Effect.FAILED,
    (Effect.AWAITING, Kind.SKIPPED): Effect.SKIPPED,
}


def moved(saga: Saga, event: Event, kind: Kind, *, anew: bool = False) -> Saga:
    """Return the saga after one side of a step made the move ``kind``; raises ``IllegalEvent`` when it cannot.

    ``anew``: failures count from here, because a person gave it a new start.
    """
    try:
        state = saga.state_of(event.step)
    except KeyError:
        raise IllegalEvent(f"The saga has no step {event.step!r}.") from None
    work = state.side(event.side)
    effect = TABLE.get((work.effect, kind))
    if effect is None:
        raise IllegalEvent(f"{event.side} of {event.step} is {work.effect}: {kind} cannot happen.")
    after = _work_after(work, effect, event, failed=kind in _FAILURES, anew=anew)
    moved_step = replace(state, do=after) if event.side is Side.DO else replace(state, undo=after)
    steps = {**saga.steps, event.step: moved_step}
    result: dict[str, Any] = event.data.get("result") or {}
    if effect not in (Effect.SUCCEEDED, Effect.SKIPPED) or not result:
        return replace(saga, steps=steps)
    return replace(saga, steps=steps, data={**saga.data, **result})


_FAILURES: Final = (Kind.RETRYING, Kind.FAILED, Kind.UNKNOWN)


def _work_after(work: Work, effect: Effect, event: Event, *, failed: bool, anew: bool) -> Work:
    told = failed and not anew
    why = event.data.get("why", "") if told else work.why
    due_at = instant(event.data.get("due"))
    return Work(
        effect=effect,
        attempts=max(work.attempts, event.attempt),
        failures=0 if anew else work.failures + failed,
        unclear=_unclear(work, effect, event),
        begun_at=None if anew else work.begun_at or event.at,
        due_at=due_at or (event.at if anew else None),
        ended_at=event.at if effect in (Effect.SUCCEEDED, Effect.FAILED, Effect.SKIPPED) else None,
        why=why,
        error=event.data.get("error", "") if told else work.error,
    )


def _unclear(work: Work, effect: Effect, event: Event) -> bool:
    """Whether a try may still have happened unheard. No later try's failure says that it did not: a service may well
    refuse the second request for what the first one has done."""
    if effect is Effect.UNKNOWN:
        return True
    if effect in (Effect.SUCCEEDED, Effect.SKIPPED) or event.kind in (Kind.PROBED, Kind.DECLARED, Kind.LATE):
        return False
    return work.unclear
