"""Acts in bulk for tests: stuck sagas to act on, a plan, and a worker that is a loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from reliability import access
from sagas.domain.batching import ItemState
from sagas.models import Batch, BatchItem
from sagas.operations import batches
from sagas.operations.batches import saga_acts
from tests.support import actors
from tests.support.sagas import Shop, raising, run, start

REASON = "the provider is back"


def stuck(shop: Shop, number: int, *, prefix: str = "o") -> list[UUID]:
    """Sagas whose charge had no answer, so that a person has to decide."""
    definition = shop.order()
    made = []
    for each in range(number):
        shop.then("charge", raising(TimeoutError("no answer")))
        made.append(start(definition, key=f"{prefix}{each}"))
        run()
    return made


def plan(
    act: str = "retry",
    *,
    ids: Sequence[UUID] | None = None,
    actor: access.Actor | None = None,
    step: str = "",
    **asked: Any,
) -> Batch:
    """A plan of what is stuck, unless something else is asked for."""
    what = {"act": act, "step": step} if step else {"act": act}
    wanted: Mapping[str, Any] = {"ids": ids} if ids is not None else (asked or {"state": "needs_operator"})
    return batches.plan(kind=saga_acts.NAME, what=what, asked=wanted, actor=actor or actors.actor())


def begin(batch: Batch, *, actor: access.Actor | None = None, reason: str = REASON) -> batches.Started:
    """Start it as it was shown."""
    return batches.start(batch_id=batch.id, seen_hash=batch.hash, reason=reason, actor=actor or actors.actor())


def work(batch: Batch) -> int:
    """Work it off as a worker does; return how many items had their turn."""
    count = 0
    while batches.step(batch.id):
        count += 1
    batch.refresh_from_db()
    return count


def items(batch: Batch, state: ItemState | None = None) -> list[BatchItem]:
    """Its items by number."""
    found = BatchItem.objects.filter(batch=batch).order_by("number")
    return list(found if state is None else found.filter(state=state))
