"""Reads of acts in bulk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Exists, OuterRef

from reliability.kernel.errors import Refused
from sagas.domain import batching
from sagas.domain.batching import OVER, Counts, ItemState, Move, State
from sagas.models import Batch, BatchItem

FRESH: Final = timedelta(minutes=15)
"""So long a plan can be started: later it says too little about now, and most of its items would be refused."""

PAGE: Final = 50
STILL_AFTER: Final = timedelta(seconds=30)
"""A worker that lives takes a wake-up at once or a tick within seconds, and an item of each batch in turn."""

RUNNING_MAX: Final = 100  # batches that one look takes up; the others have their turn in the next one


class NoSuchBatch(Refused):
    """There is no such bulk act."""

    code = "not-found"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A batch with its items counted."""

    batch: Batch
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some batches, the newest first; ``next`` is the id before which the next page begins, None at the end."""

    rows: Sequence[Listed]
    next: UUID | None


def one(batch_id: UUID, *, kinds: Collection[str] = ()) -> Batch:
    """Return a batch, of one of ``kinds`` where some are named; raises ``NoSuchBatch``."""
    found = Batch.objects.filter(id=batch_id).first()
    if found is None or (kinds and found.kind not in kinds):
        raise NoSuchBatch
    return found


def page(*, kinds: Collection[str], before: UUID | None = None, limit: int = PAGE) -> Page:
    """Return batches of some kinds, planned ones too."""
    rows = Batch.objects.filter(kind__in=list(kinds))
    if before is not None:
        rows = rows.filter(id__lt=before)
    found = list(rows.order_by("-id")[: limit + 1])
    known = counts(each.id for each in found[:limit])
    return Page(
        rows=[Listed(batch=each, counts=known[each.id]) for each in found[:limit]],
        next=found[limit - 1].id if len(found) > limit else None,
    )


def counts(batch_ids: Iterable[UUID]) -> dict[UUID, Counts]:
    """Return how many items of each state the batches have."""
    known: dict[UUID, dict[ItemState, int]] = {each: {} for each in batch_ids}
    rows = BatchItem.objects.filter(batch__in=list(known)).values_list("batch", "state").order_by()
    for batch_id, state, number in rows.annotate(items=Count("pk")):
        known[batch_id][ItemState(state)] = number
    return {batch_id: Counts(of=of) for batch_id, of in known.items()}


def counts_of(batch: Batch) -> Counts:
    """Return the same of one."""
    return counts([batch.id])[batch.id]


def following(batch_ids: Iterable[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """Return what the acts lead to, with the number of items for which they do; the most frequent first."""
    known: dict[UUID, list[dict[str, Any]]] = {each: [] for each in batch_ids}
    rows = BatchItem.objects.filter(batch__in=list(known)).values_list("batch", "follows").order_by()
    for batch_id, text, number in rows.annotate(items=Count("pk")).order_by("-items", "follows"):
        known[batch_id].append({"text": text, "count": number})
    return known


def following_of(batch: Batch) -> list[dict[str, Any]]:
    """Return the same of one."""
    return following([batch.id])[batch.id]


def items(batch: Batch, *, state: str = "", after: int = 0, limit: int = PAGE) -> tuple[list[BatchItem], int | None]:
    """Return items by number, and the number behind which the next page begins, None at the end."""
    rows = BatchItem.objects.filter(batch=batch, number__gt=after)
    if state:
        rows = rows.filter(state=state)
    found = list(rows.order_by("number")[: limit + 1])
    return found[:limit], found[limit - 1].number if len(found) > limit else None


def targets(batch: Batch, *, state: ItemState) -> list[str]:
    """Return what the items of one state act on, by number."""
    rows = BatchItem.objects.filter(batch=batch, state=state).order_by("number")
    return list(rows.values_list("target", flat=True)[: batching.ITEMS_MAX])


def can(batch: Batch, move: Move) -> bool:
    """Whether ``move`` is possible as the batch stands."""
    return (State(batch.state), move) in batching.TRANSITIONS


def is_over(batch: Batch) -> bool:
    """Whether nothing happens to it any more."""
    return State(batch.state) in OVER


def running(*, kinds: Collection[str]) -> list[UUID]:
    """Return the batches of ``kinds`` that go on, the oldest first; ``RUNNING_MAX`` of them."""
    rows = Batch.objects.filter(state=State.RUNNING, kind__in=list(kinds)).order_by("id")
    return list(rows.values_list("id", flat=True)[:RUNNING_MAX])


def still(now: datetime) -> list[Batch]:
    """Return the batches that go on and of which no item had its turn for ``STILL_AFTER``, the oldest first."""
    before = now - STILL_AFTER
    lately = BatchItem.objects.filter(batch=OuterRef("pk"), at__gte=before)
    rows = Batch.objects.filter(state=State.RUNNING, started_at__lt=before)
    return list(rows.exclude(Exists(lately)).order_by("id")[:RUNNING_MAX])
