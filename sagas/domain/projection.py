"""A saga as one row of a list: what the columns hold follows from its state alone."""

from __future__ import annotations

from typing import Any

from sagas.domain.deciding import due_at
from sagas.domain.state import ENDED, Effect, Saga, Status, Work

REASON_CHARACTERS_MAX = 500
RANKS = {Status.NEEDS_OPERATOR: 0, Status.RUNNING: 1, Status.COMPENSATING: 1}
"""Where a list has it: what needs a person, what goes on, what is over."""
OVER = 2


def columns(saga: Saga) -> dict[str, Any]:
    """Return the values of the row's columns, by name; equal states give equal columns, whoever asks and when."""
    at_hand = None if saga.status in ENDED else saga.at_hand
    step, side = at_hand if at_hand is not None else (None, None)
    work = saga.state_of(step.name).side(side) if step is not None and side is not None else Work()
    changed_at = saga.changed_at or saga.started_at
    return {
        "status": str(saga.status),
        "rank": RANKS.get(saga.status, OVER),
        "direction": str(saga.direction),
        "step": step.name if step is not None else "",
        "side": str(side) if side is not None else "",
        "effect": str(work.effect) if step is not None else "",
        "attempts": work.attempts,
        "waits_for": step.event if step is not None and work.effect is Effect.AWAITING else "",
        "parked": str(saga.parked),
        "reason": saga.reason[:REASON_CHARACTERS_MAX],
        "error": work.error[:REASON_CHARACTERS_MAX],
        "late": saga.late,
        "version": saga.version,
        "due_at": due_at(saga, now=changed_at),
        "deadline": saga.deadline,
        "changed_at": changed_at,
        "ended_at": changed_at if saga.status in ENDED else None,
    }
