"""Starting a batch that was looked at, and cancelling the rest of one that runs."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from reliability import access, audit, live
from reliability.kernel import text
from reliability.kernel.errors import Refused
from sagas.domain import batching
from sagas.domain.batching import ItemState, Move, State
from sagas.models import Batch, BatchItem
from sagas.operations import waking
from sagas.operations.batches import table
from sagas.queries import batches, histories
from sagas.queries.batches import FRESH, NoSuchBatch

CANCEL = "sagas.batch_cancel"
REASON_CHARS_MAX = 2_000


class PlanChanged(Refused):
    """The hash is not this plan's: look at the plan again, and start what it says now."""

    code = "plan-changed"


class PlanOld(Refused):
    """This plan is older than a quarter of an hour: plan again."""

    code = "plan-old"


class NothingToDo(Refused):
    """The plan has nothing to act on."""

    code = "nothing-to-do"


class AlreadyStarted(Refused):
    """It was started already."""

    code = "already-started"


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A batch that runs. ``begun`` is False when it had been started before: a second press starts nothing."""

    batch: Batch
    begun: bool


def start(*, batch_id: UUID, seen_hash: str, reason: str, actor: access.Actor) -> Started:
    """Have a planned batch worked off, by its items' acts in the actor's name; the same plan starts once.

    Raises ``NoSuchBatch``, ``PlanChanged``, ``PlanOld``, ``NothingToDo`` and what ``audit.action`` raises.
    """
    known = batches.one(batch_id)
    right = table.KINDS[known.kind].right
    try:
        with audit.action(right, actor=actor, target=f"batch:{batch_id}", reason=reason) as entry:
            batch = _locked(batch_id)
            entry.facts |= facts(batch)
            _refuse(batch, seen_hash, now=histories.database_now())
            batch.state = batching.moved(State(batch.state), Move.START)
            batch.reason = text.printable(reason.strip(), limit=REASON_CHARS_MAX)
            batch.actor_kind, batch.actor_name, batch.actor_account = actor.kind, actor.name, actor.account
            batch.started_at = histories.database_now()
            batch.save()
            transaction.on_commit(waking.wake_for_batches, robust=True)
            _tell(batch_id)
    except AlreadyStarted:
        return Started(batch=batches.one(batch_id), begun=False)
    return Started(batch=batch, begun=True)


def cancel(*, batch_id: UUID, actor: access.Actor) -> Batch:
    """Leave the items alone that did not have their turn; what was done stays done.

    Raises ``NoSuchBatch``, ``batching.CannotNow`` and ``access.Denied``.
    """
    with audit.admitted(CANCEL, actor=actor, target=f"batch:{batch_id}"):
        batches.one(batch_id)
    with audit.action(CANCEL, actor=actor, target=f"batch:{batch_id}") as entry:
        batch = _locked(batch_id)
        entry.facts |= facts(batch)
        end(batch, Move.CANCEL, items=ItemState.CANCELLED, message=f"Cancelled by {actor.shown}.", entry=entry)
        batch.ended_by = actor.shown
        batch.save(update_fields=["ended_by"])
    return batch


def end(batch: Batch, move: Move, *, items: ItemState, message: str, entry: audit.Draft) -> None:
    """Inside a transaction that holds the batch: end it before its time. Waits for the item that is being done."""
    batch.state = batching.moved(State(batch.state), move)
    batch.ended_at = histories.database_now()
    batch.save(update_fields=["state", "ended_at"])
    rest = BatchItem.objects.filter(batch=batch, state=ItemState.PLANNED)
    entry.facts |= {"left": rest.update(state=items, message=message, at=batch.ended_at)}
    _tell(batch.id)


def facts(batch: Batch) -> dict[str, object]:
    """What the activity says of the whole: never ``batch``, which is the mark of an item's own entry."""
    number = BatchItem.objects.filter(batch=batch).count()
    left_out = sum(group["count"] for group in batch.left_out)
    title = f"{table.KINDS[batch.kind].counted(number)} in bulk ({batch.title})"
    return {"title": title, "items": number, "left_out": left_out, "hash": batch.hash, "what": batch.what}


def _locked(batch_id: UUID) -> Batch:
    found = Batch.objects.select_for_update().filter(id=batch_id).first()
    if found is None:
        raise NoSuchBatch
    return found


def _refuse(batch: Batch, seen_hash: str, *, now: datetime) -> None:
    if not hmac.compare_digest(batch.hash.encode(), seen_hash.encode(errors="replace")):
        raise PlanChanged
    if batch.state != State.PLANNED:
        raise AlreadyStarted
    if not BatchItem.objects.filter(batch=batch).exists():
        raise NothingToDo
    if now - batch.created_at > FRESH:
        raise PlanOld


def _tell(batch_id: UUID) -> None:
    live.changed("batches")
    live.changed(f"batch:{batch_id}")
