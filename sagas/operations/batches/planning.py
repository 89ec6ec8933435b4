"""Planning a batch: the list is frozen, and nothing is done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.db import transaction

from reliability import access, live
from sagas.domain import batching
from sagas.domain.batching import State
from sagas.models import Batch, BatchItem
from sagas.operations import ids
from sagas.operations.batches import table
from sagas.queries import histories

KEPT_UNSTARTED: Final = timedelta(days=1)  # for a link to it that somebody was sent; it cannot be started that late
FORGOTTEN_AT_A_TIME: Final = 100  # batches, with a thousand items each


def plan(*, kind: str, what: Mapping[str, Any], asked: Mapping[str, Any], actor: access.Actor) -> Batch:
    """Look at what ``asked`` chooses and keep what ``what`` would lead to; nothing is done before ``start``.

    What the act is not possible for is left out and counted by its reason. Raises ``access.Denied`` and what the kind
    refuses.
    """
    known = table.KINDS[kind]
    access.admit(actor, known.right)
    now = histories.database_now()
    drawn = known.draw(what, asked, now)
    batch = Batch(
        id=ids.new_id(now),
        kind=kind,
        title=drawn.title,
        what=dict(drawn.what),
        filter=dict(drawn.filter),
        left_out=batching.grouped(drawn.left_out),
        effects=batching.counted(effect for item in drawn.items for effect in item.effects),
        warnings=batching.counted(warning for item in drawn.items for warning in item.warnings),
        hash=batching.content_hash(kind, drawn.what, drawn.items),
        planned_by=actor.shown,
        created_at=now,
    )
    items = [
        BatchItem(
            batch=batch,
            number=number,
            target=item.target,
            label=item.label,
            expected_version=item.version,
            details=dict(item.details),
            follows=item.follows,
        )
        for number, item in enumerate(drawn.items, start=1)
    ]
    with transaction.atomic():
        batch.save(force_insert=True)
        BatchItem.objects.bulk_create(items)
        live.changed("batches")
    return batch


def forget_unstarted() -> int:
    """Delete plans that nobody started in their time; return how many."""
    before = histories.database_now() - KEPT_UNSTARTED
    with transaction.atomic():
        old = Batch.objects.filter(state=State.PLANNED, created_at__lt=before).order_by("id")
        found = list(old.select_for_update(skip_locked=True).values_list("id", flat=True)[:FORGOTTEN_AT_A_TIME])
        Batch.objects.filter(id__in=found).delete()
    return len(found)
