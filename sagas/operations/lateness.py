"""Answers that come after somebody else took the saga over: kept, and told to whoever decides."""

from __future__ import annotations

from uuid import UUID

import structlog
from django.db import transaction

from sagas.domain import deciding, folding, settling
from sagas.domain.deciding import Run
from sagas.domain.history import Outcome
from sagas.domain.settling import Ended
from sagas.operations import claims, journal, waking
from sagas.queries import histories

log = structlog.get_logger(__name__)


def keep(saga_id: UUID, act: Run, ended: Ended) -> bool:
    """Write the late answer down; False when there is nothing in it, or nowhere to write it."""
    if ended.outcome is Outcome.UNKNOWN:
        return False
    with transaction.atomic():
        locked = claims.lock(saga_id)
        if locked is None:
            return False
        saga = histories.load(saga_id)
        now = histories.database_now()
        event = settling.late(act, ended, now=now)
        after = folding.apply(saga, event)
        busy = after.busy is not None  # a newer try runs elsewhere: it goes on, under its lease
        look_at = None if busy else deciding.due_at(after, now=now)
        journal.append(after, [event], fence=locked[0], look_at=look_at, keep=busy)
        transaction.on_commit(waking.wake, robust=True)
    log.warning("late_answer", saga=str(saga_id), step=act.step.name, side=str(act.side), outcome=str(ended.outcome))
    return True
