"""``/repair-batches``: one repair for all open findings of a difference, planned, started with what was planned."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema, Status
from pydantic import ConfigDict

from reliability import access, audit
from sagas.api.bodies import Text
from sagas.domain import batching
from sagas.domain.batching import Counts, ItemState, State
from sagas.operations import batches as operations
from sagas.operations.batches import repairs
from sagas.queries import batches as queries

if TYPE_CHECKING:
    from sagas.models import Batch

router = Router(tags=["reconcile"])
ITEMS_PAGE_MAX = 500


class RepairBatchPlanned(Schema):
    """Which findings: the open ones of a difference; ``key`` is how their keys begin."""

    model_config = ConfigDict(extra="forbid")
    reconciliation: Text
    difference: Text
    repair: Annotated[Text, Field(description="Left out: the difference's best one.")] = ""
    key: Text = ""


class RepairBatchStart(Schema):
    """The plan's hash as it was shown, and why."""

    model_config = ConfigDict(extra="forbid")
    hash: Annotated[Text, Field(min_length=1)]
    reason: Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")]


class RepairBatch(Schema):
    """A bulk repair. `hash` covers the findings, what both sides say of each, and what would be done."""

    id: UUID
    reconciliation: str
    difference: str
    repair: str
    state: State
    outcome: str
    total: int
    counts: dict[str, int]
    effects: list[dict[str, Any]]
    left_out: list[dict[str, Any]]
    hash: str
    reason: str
    planned_by: str
    begun_by: str
    created_at: datetime
    startable_until: datetime
    started_at: datetime | None
    ended_at: datetime | None


class RepairBatches(Schema):
    """A page, the newest first; `next` is the `cursor` of the following one."""

    items: list[RepairBatch]
    next: UUID | None


class RepairBatchItem(Schema):
    """One finding of it, and what became of it."""

    number: int
    finding: int
    key: str
    state: ItemState
    message: str
    at: datetime | None


class RepairBatchItems(Schema):
    """Items by number; `next` is the `after` of the following page."""

    items: list[RepairBatchItem]
    next: int | None


@router.post(
    "/repair-batches",
    response={201: RepairBatch},
    operation_id="plan_repair_batch",
    summary="Plan one repair for all open findings of a difference",
)
def plan_batch(request: HttpRequest, asked: RepairBatchPlanned) -> Status[RepairBatch]:
    """Look at both sides of each and freeze the list; nothing is done."""
    what = {"reconciliation": asked.reconciliation, "difference": asked.difference, "repair": asked.repair}
    actor = access.actor_of(request)
    return Status(201, _told(operations.plan(kind=repairs.NAME, what=what, asked={"key": asked.key}, actor=actor)))


@router.get("/repair-batches", response=RepairBatches, operation_id="list_repair_batches", summary="Bulk repairs")
def list_batches(
    request: HttpRequest,
    cursor: Annotated[UUID | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = queries.PAGE,
) -> RepairBatches:
    """List plans and what became of them."""
    access.authorize(access.actor_of(request), "reconcile.view")
    page = queries.page(kinds=[repairs.NAME], before=cursor, limit=limit)
    return RepairBatches(items=[_told(each.batch, each.counts) for each in page.rows], next=page.next)


@router.get(
    "/repair-batches/{batch_id}", response=RepairBatch, operation_id="get_repair_batch", summary="One bulk repair"
)
def get_batch(request: HttpRequest, batch_id: Path[UUID]) -> RepairBatch:
    """Read how it stands."""
    return _told(_one(request, batch_id))


@router.get(
    "/repair-batches/{batch_id}/items",
    response=RepairBatchItems,
    operation_id="list_repair_batch_items",
    summary="Its findings, one by one",
)
def list_items(
    request: HttpRequest,
    batch_id: Path[UUID],
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=ITEMS_PAGE_MAX)] = queries.PAGE,
) -> RepairBatchItems:
    """List what became of each."""
    rows, more = queries.items(_one(request, batch_id), after=after, limit=limit)
    items = [
        RepairBatchItem(
            number=row.number,
            finding=int(row.target),
            key=row.label,
            state=ItemState(row.state),
            message=row.message,
            at=row.at,
        )
        for row in rows
    ]
    return RepairBatchItems(items=items, next=more)


@router.post(
    "/repair-batches/{batch_id}/start",
    response=RepairBatch,
    operation_id="start_repair_batch",
    summary="Start what was planned",
)
def start_batch(request: HttpRequest, batch_id: Path[UUID], asked: RepairBatchStart) -> RepairBatch:
    """Start it once: a second start with the same hash answers with the same run."""
    actor = access.actor_of(request)
    with audit.admitted("reconcile.repair", actor=actor, target=f"batch:{batch_id}"):
        _one(request, batch_id)
    operations.start(batch_id=batch_id, seen_hash=asked.hash, reason=asked.reason, actor=actor)
    return _told(_one(request, batch_id))


@router.post(
    "/repair-batches/{batch_id}/cancellation",
    response=RepairBatch,
    operation_id="cancel_repair_batch",
    summary="Cancel the rest",
)
def cancel_batch(request: HttpRequest, batch_id: Path[UUID]) -> RepairBatch:
    """Leave alone what did not have its turn; what was done stays done."""
    actor = access.actor_of(request)
    with audit.admitted("sagas.batch_cancel", actor=actor, target=f"batch:{batch_id}"):
        _one(request, batch_id)
    operations.cancel(batch_id=batch_id, actor=actor)
    return _told(_one(request, batch_id))


def _one(request: HttpRequest, batch_id: UUID) -> Batch:
    access.authorize(access.actor_of(request), "reconcile.view")
    return queries.one(batch_id, kinds=(repairs.NAME,))


def _told(batch: Batch, counts: Counts | None = None) -> RepairBatch:
    counts = counts if counts is not None else queries.counts_of(batch)
    names = ("id", "effects", "left_out", "hash", "reason", "planned_by", "begun_by", "created_at", "started_at")
    return RepairBatch(
        **{name: getattr(batch, name) for name in (*names, "ended_at")},
        reconciliation=str(batch.what["reconciliation"]),
        difference=str(batch.what["difference"]),
        repair=str(batch.what["repair"]),
        state=State(batch.state),
        outcome=batching.outcome(State(batch.state), counts),
        total=counts.total,
        counts=counts.as_json(),
        startable_until=batch.created_at + queries.FRESH,
    )
