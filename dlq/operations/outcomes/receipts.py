"""Receipts of the outbox become states of items."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction

from dlq.domain.item import ItemEvent, ItemState
from dlq.models import ReplayItem
from dlq.operations import items
from dlq.operations.items import Change
from outbox.queries import Receipt, receipts

RECEIPT = "Kafka's receipt"
LOOK_ITEMS_MAX = 10_000
"""Queued items looked at in one go; a run has at most 200, so this is far more than there are."""

_EVENTS = {"sent": ItemEvent.STORED, "unknown": ItemEvent.LOST, "refused": ItemEvent.REFUSED}


def take_receipts(*, now: datetime, event_ids: Collection[UUID] | None = None) -> int:
    """Give every queued item (or those of ``event_ids``) its receipt, if there is one; return how many got one."""
    queued = ReplayItem.objects.filter(state=ItemState.QUEUED)
    if event_ids is not None:
        queued = queued.filter(event_id__in=event_ids)
    waiting = {row[0]: row[1:] for row in queued.values_list("event_id", "replay_id", "pk")[:LOOK_ITEMS_MAX]}
    by_run: dict[int, list[Change]] = {}
    for event_id, receipt in receipts(waiting.keys()).items():
        replay_id, item_id = waiting[event_id]
        by_run.setdefault(replay_id, []).append(_change(item_id, receipt))
    return sum(_apply(replay_id, changes, now=now) for replay_id, changes in sorted(by_run.items()))


def _change(item_id: int, receipt: Receipt) -> Change:
    event = _EVENTS[receipt.state]
    if event is ItemEvent.STORED:
        return Change(item_id=item_id, event=event, receipt=receipt, proof=RECEIPT)
    if event is ItemEvent.REFUSED:
        return Change(item_id=item_id, event=event, error=receipt.error or "refused by Kafka")
    proof = "a relay stopped while it was on its way, and the topic could not be searched for it"
    return Change(item_id=item_id, event=event, proof=proof, error=receipt.error)


def _apply(replay_id: int, changes: list[Change], *, now: datetime) -> int:
    with transaction.atomic():
        run = items.locked(replay_id)
        return len(items.apply(run, changes, now=now)) if run is not None else 0
