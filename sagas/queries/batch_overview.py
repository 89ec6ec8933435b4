"""What the console's front page and doctor say of acts in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from reliability.console.domain.values import CheckResult, Item, TimelineRow
from sagas.domain import batching
from sagas.domain.batching import State
from sagas.models import Batch
from sagas.queries import batches

URL = "/sagas/batches/"
REMEDY = "Start the Celery worker of the queue bulk; it goes on where it stands."


def timeline(since: datetime, limit: int) -> Sequence[TimelineRow]:
    """Bulk acts that ended. That they were started, the activity tells."""
    ended = list(Batch.objects.filter(ended_at__gte=since).order_by("-ended_at")[:limit])
    known = batches.counts(each.id for each in ended)
    return [
        TimelineRow(
            at=each.ended_at,
            kind="machine",
            status="warn" if known[each.id].trouble else "ok",
            text=f"Bulk act ({each.title}) {each.state}: {batching.outcome(State(each.state), known[each.id])}",
            url=f"{URL}{each.id}/",
        )
        for each in ended
        if each.ended_at is not None
    ]


def attention(*, now: datetime) -> Sequence[Item]:
    """Bulk acts that were started and stand still."""
    return [
        Item(
            id=f"sagas:batch:{each.id}",
            room="sagas",
            status="crit",
            word="Stands still",
            title=f"The bulk act “{each.title}” stands still",
            detail=REMEDY,
            since=each.started_at,
            url=f"{URL}{each.id}/",
            act_label="Look",
            act_url=f"{URL}{each.id}/",
            lines=0,
        )
        for each in batches.still(now)
    ]


def check(*, now: datetime) -> CheckResult:
    """Whether what was started in bulk goes on."""
    still = batches.still(now)
    if still:
        return CheckResult(verdict="fail", found=f"{len(still)} bulk acts stand still", remedy=REMEDY)
    return CheckResult(verdict="ok", found="none stands still")
