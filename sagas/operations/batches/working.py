"""Working a batch off. The truth is in PostgreSQL: whoever asks does the next item that nobody else is at.

An item, what is done to it and its entry in the audit are one transaction, under the item's lock. So a process that
dies at any point has done the item or has not, and whoever comes next goes on behind it; there is nothing to hand over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from reliability import access, audit, live
from reliability.kernel import failpoint, text
from reliability.kernel.errors import Refused
from reliability.locks import operations as locks
from sagas.domain.batching import ItemState, Move, State
from sagas.models import Batch, BatchItem
from sagas.operations.batches import starting, table
from sagas.operations.batches.kinds import Item, Kind
from sagas.queries import histories

log = structlog.get_logger(__name__)

SYSTEM = access.system_actor("sagas.batches")
MESSAGE_CHARS_MAX = 500
LOOK_LEASE_S = 30.0  # longer than a look takes; one at a time, so that two do not look at the same item


@dataclass(frozen=True, slots=True)
class Looked:
    """What a kind saw of an item before its transaction; ``seen`` returns it, or raises what the look raised."""

    pk: int
    seen: Callable[[], Any]


def step(batch_id: UUID) -> bool:
    """Do the batch's next item; False when there is none for this caller. Safe to call from anywhere at any time.

    The right is asked for anew with each item: when whoever began it has it no more, the rest is refused.
    """
    batch = Batch.objects.filter(id=batch_id, state=State.RUNNING).first()
    kind = table.KINDS.get(batch.kind) if batch is not None else None
    if batch is None or kind is None:  # over, or a newer version's: its workers know it
        return False
    if kind.look is None:
        return _step(batch, kind, None)
    lease = locks.acquire(name=f"batches.{kind.name}", owner=uuid4().hex, ttl_s=LOOK_LEASE_S)
    if lease is None:  # somebody else looks
        return False
    try:
        peeked = _peek(batch)
        return _step(batch, kind, _looked(kind.look, batch, peeked) if peeked is not None else None)
    finally:
        locks.release(lease=lease)


def _step(batch: Batch, kind: Kind, looked: Looked | None) -> bool:
    try:
        actor = access.actor_again(
            kind=batch.actor_kind,  # type: ignore[arg-type]  # as an actor had it
            name=batch.actor_name,
            account=batch.actor_account,
            now=histories.database_now(),
        )
        access.authorize(actor, kind.right)
    except Refused as refusal:
        _stop(batch, kind, refusal)
        return False
    try:
        _next(batch, kind, actor, looked)
    except audit.LeftAlone:
        _finish(batch.id)
        return False
    failpoint.reach("batch.done")
    return True


def _peek(batch: Batch) -> BatchItem | None:
    """The next item that nobody is at. Who looks loses its lease where that takes too long; its lock decides then."""
    with transaction.atomic():
        return _planned(batch).select_for_update(skip_locked=True).first()


def _looked(look: Callable[[Item], Any], batch: Batch, item: BatchItem) -> Looked:
    try:
        seen = look(_item(batch, item))
    except Exception as error:  # noqa: BLE001 - told with the item, as what ``do`` raises
        trouble = error  # the name of an except clause ends with it

        def seen_not() -> Any:
            raise trouble

        return Looked(item.pk, seen_not)
    return Looked(item.pk, lambda: seen)


def _next(batch: Batch, kind: Kind, actor: access.Actor, looked: Looked | None) -> None:
    """One item in one transaction; raises ``audit.LeftAlone`` when there is none that nobody is at."""
    if looked is None and kind.look is not None:
        raise audit.LeftAlone
    target, facts = f"batch:{batch.id}", {"batch": str(batch.id)}
    with audit.action(kind.right, actor=actor, target=target, reason=batch.reason, facts=facts) as entry:
        rows = _planned(batch) if looked is None else _planned(batch).filter(pk=looked.pk)
        item = rows.select_for_update(skip_locked=True).first()
        if item is None:
            raise audit.LeftAlone
        entry.facts |= {"item": item.number}
        state, message = _done(kind, _item(batch, item), entry, looked)
        message = text.printable(message, limit=MESSAGE_CHARS_MAX)
        BatchItem.objects.filter(pk=item.pk).update(state=state, message=message, at=Now())
        live.changed(f"batch:{batch.id}")
        failpoint.reach("batch.item")


def _planned(batch: Batch) -> QuerySet[BatchItem]:
    return BatchItem.objects.filter(batch=batch, state=ItemState.PLANNED).order_by("number")


def _item(batch: Batch, item: BatchItem) -> Item:
    return Item(
        batch=batch.id,
        number=item.number,
        what=batch.what,
        target=item.target,
        expected_version=item.expected_version,
        details=item.details,
    )


def _done(kind: Kind, item: Item, entry: audit.Draft, looked: Looked | None) -> tuple[ItemState, str]:
    """Do it, or take back what was begun of it; return what became of it."""
    try:
        with transaction.atomic():
            return ItemState.DONE, kind.do(item, entry, looked.seen() if looked is not None else None)
    except Refused as refusal:
        entry.not_done(refusal)
        return ItemState.REFUSED, str(refusal)
    except Exception as error:  # one item's trouble is not the others': it is told, and the batch goes on
        if transaction.get_rollback():  # the connection is lost: the item is as it was
            raise
        log.exception("batch_item_failed", batch=str(item.batch), item=item.number)
        entry.not_done(error)
        return ItemState.FAILED, f"{type(error).__name__}: {error}"


def _finish(batch_id: UUID) -> None:
    """End the batch if every item had its turn; while somebody is at the last one, that one ends it."""
    rest = BatchItem.objects.filter(batch_id=batch_id, state=ItemState.PLANNED)
    if rest.exists():
        return
    running = Batch.objects.filter(id=batch_id, state=State.RUNNING)
    if running.update(state=State.DONE, ended_at=Now()):
        live.changed("batches")
        live.changed(f"batch:{batch_id}")


def _stop(batch: Batch, kind: Kind, refusal: Refused) -> None:
    """Refuse the rest. On record as the console's own: whoever began the batch tried nothing at this moment."""
    why = text.printable(str(refusal), limit=MESSAGE_CHARS_MAX)
    try:
        with audit.action(kind.right, actor=SYSTEM, target=f"batch:{batch.id}", reason=batch.reason) as entry:
            locked = Batch.objects.select_for_update().get(id=batch.id)
            if locked.state != State.RUNNING:
                raise audit.LeftAlone
            entry.facts |= starting.facts(locked)
            entry.not_done(refusal)
            starting.end(locked, Move.STOP, items=ItemState.REFUSED, message=why, entry=entry)
            locked.note = why
            locked.save(update_fields=["note"])
    except audit.LeftAlone:
        return
    log.warning("batch_stopped", batch=str(batch.id), why=why)
