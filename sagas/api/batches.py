"""``/saga-batches``: one act on many sagas, planned, started with what was planned, followed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema, Status

from reliability import access, audit
from reliability.console.asked import Asked
from reliability.kernel.errors import Refused
from sagas.api.bodies import Text
from sagas.domain import batching
from sagas.domain.batching import ITEMS_MAX, Counts, ItemState, State
from sagas.operations import batches as operations
from sagas.operations.batches import saga_acts
from sagas.queries import batches as queries

if TYPE_CHECKING:
    from sagas.models import Batch

router = Router(tags=["sagas"])

ITEMS_PAGE_MAX = 500


class NothingChosen(Refused):
    """Say which sagas: ids, or a filter. An empty filter, {}, means all of them."""

    code = "nothing-chosen"
    status = 422


class SagaBatchFilter(Asked):
    """Which sagas; what is left out narrows nothing."""

    key: Annotated[Text, Field(description="How the business key begins.")] = ""
    state: Annotated[Text, Field(description="`open`, `stuck`, or a status such as `needs_operator`.")] = ""
    definition: Text = ""
    step: Text = ""
    error: Annotated[Text, Field(description="A part of the error.")] = ""
    older_than_seconds: Annotated[int | None, Field(ge=0, le=saga_acts.AGE_S_MAX, strict=True)] = None
    first: Annotated[
        int | None, Field(ge=1, le=ITEMS_MAX, strict=True, description="Of those that match only the first so many.")
    ] = None


class SagaBatchPlanned(Asked):
    """One act on many sagas: retry, probe, skip (with the step), compensate, resolve or terminate.

    Either a filter or ids say which; more than 1,000 are refused unless the filter says how many of the first.
    """

    act: Text
    step: Annotated[Text, Field(description="For skip: the step. Sagas at another one are left out.")] = ""
    filter: SagaBatchFilter | None = None
    ids: Annotated[list[UUID] | None, Field(max_length=ITEMS_MAX)] = None


class SagaBatchStart(Asked):
    """The plan's hash as it was shown, and why."""

    hash: Text
    reason: Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")]


class SagaBatchCounted(Schema):
    """Something that is said of so many sagas."""

    text: str
    count: int


class SagaBatchExample(Schema):
    """A saga by its id and its business key."""

    target: str
    label: str


class SagaBatchLeftOut(SagaBatchCounted):
    """Why so many were left out, with some of them."""

    examples: list[SagaBatchExample] = []


class SagaBatch(Schema):
    """A bulk act. `hash` covers the act, its sagas and their versions: send it back to start exactly this."""

    id: UUID
    act: str
    step: str
    filter: dict[str, Any] = Field(description="What was asked for; lists leave ids out.")
    state: State
    outcome: str = Field(description="How it stands, in a sentence.")
    total: int
    counts: dict[str, int] = Field(description="Sagas by what became of them; every state is named.")
    follows: list[SagaBatchCounted] = Field(description="What the act leads to, by number of sagas.")
    effects: list[SagaBatchCounted] = Field(description="What is called if all goes well.")
    warnings: list[SagaBatchCounted]
    left_out: list[SagaBatchLeftOut]
    hash: str
    reason: str
    planned_by: str
    begun_by: str
    ended_by: str
    note: str = Field(description="Why it stopped by itself.")
    created_at: datetime
    startable_until: datetime
    started_at: datetime | None
    ended_at: datetime | None


class SagaBatches(Schema):
    """A page, the newest first; `next` is the `cursor` of the following one."""

    items: list[SagaBatch]
    next: UUID | None


class SagaBatchItem(Schema):
    """One saga of a bulk act: how it was looked at, and what became of it."""

    number: int
    saga: str
    key: str
    expected_version: int
    follows: str
    state: ItemState
    message: str
    at: datetime | None


class SagaBatchItems(Schema):
    """Items by number; `next` is the `after` of the following page."""

    items: list[SagaBatchItem]
    next: int | None


@router.post(
    "/saga-batches", response={201: SagaBatch}, operation_id="plan_saga_batch", summary="Plan one act on many sagas"
)
def plan_batch(request: HttpRequest, asked: SagaBatchPlanned) -> Status[SagaBatch]:
    """Look at each and freeze the list; nothing is done. Those on which the act is not possible are left out."""
    if asked.ids is None and asked.filter is None:
        raise NothingChosen
    wanted = asked.filter.model_dump() if asked.filter is not None else {}
    chosen = wanted if asked.ids is None else wanted | {"ids": asked.ids}
    what = {"act": asked.act, **({"step": asked.step} if asked.step else {})}
    actor = access.actor_of(request)
    return Status(201, shown(operations.plan(kind=saga_acts.NAME, what=what, asked=chosen, actor=actor)))


@router.get("/saga-batches", response=SagaBatches, operation_id="list_saga_batches", summary="Acts in bulk")
def list_batches(
    request: HttpRequest,
    cursor: Annotated[UUID | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = queries.PAGE,
) -> SagaBatches:
    """List plans and what became of them."""
    _reader(request)
    page = queries.page(kinds=[saga_acts.NAME], before=cursor, limit=limit)
    follows = queries.following(each.batch.id for each in page.rows)
    items = [_told(each.batch, each.counts, follows[each.batch.id], ids=False) for each in page.rows]
    return SagaBatches(items=items, next=page.next)


@router.get("/saga-batches/{batch_id}", response=SagaBatch, operation_id="get_saga_batch", summary="One act in bulk")
def get_batch(request: HttpRequest, batch_id: Path[UUID]) -> SagaBatch:
    """Read how it stands."""
    _reader(request)
    return shown(_one(batch_id))


@router.get(
    "/saga-batches/{batch_id}/items",
    response=SagaBatchItems,
    operation_id="list_saga_batch_items",
    summary="Its sagas, one by one",
)
def list_items(
    request: HttpRequest,
    batch_id: Path[UUID],
    state: Annotated[ItemState | None, Query()] = None,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=ITEMS_PAGE_MAX)] = queries.PAGE,
) -> SagaBatchItems:
    """List what became of each."""
    _reader(request)
    rows, more = queries.items(_one(batch_id), state=str(state or ""), after=after, limit=limit)
    items = [
        SagaBatchItem(
            number=row.number,
            saga=row.target,
            key=row.label,
            expected_version=row.expected_version,
            follows=row.follows,
            state=ItemState(row.state),
            message=row.message,
            at=row.at,
        )
        for row in rows
    ]
    return SagaBatchItems(items=items, next=more)


@router.post(
    "/saga-batches/{batch_id}/start",
    response=SagaBatch,
    operation_id="start_saga_batch",
    summary="Start what was planned",
)
def start_batch(request: HttpRequest, batch_id: Path[UUID], asked: SagaBatchStart) -> SagaBatch:
    """Start it once: a second start with the same hash answers with the same run."""
    actor = access.actor_of(request)
    with audit.admitted("sagas.act", actor=actor, target=f"batch:{batch_id}"):
        _one(batch_id)
    operations.start(batch_id=batch_id, seen_hash=asked.hash, reason=asked.reason, actor=actor)
    return shown(_one(batch_id))


@router.post(
    "/saga-batches/{batch_id}/cancellation",
    response=SagaBatch,
    operation_id="cancel_saga_batch",
    summary="Cancel the rest",
)
def cancel_batch(request: HttpRequest, batch_id: Path[UUID]) -> SagaBatch:
    """Leave alone what did not have its turn; what was done stays done."""
    actor = access.actor_of(request)
    with audit.admitted("sagas.batch_cancel", actor=actor, target=f"batch:{batch_id}"):
        _one(batch_id)
    operations.cancel(batch_id=batch_id, actor=actor)
    return shown(_one(batch_id))


def shown(batch: Batch) -> SagaBatch:
    """Return a batch as the API tells it."""
    return _told(batch, queries.counts_of(batch), queries.following_of(batch))


def _told(batch: Batch, counts: Counts, follows: Sequence[dict[str, Any]], *, ids: bool = True) -> SagaBatch:
    names = ("id", "effects", "warnings", "left_out", "hash", "reason", "planned_by", "begun_by", "ended_by")
    times = ("created_at", "started_at", "ended_at")
    return SagaBatch(
        **{name: getattr(batch, name) for name in (*names, *times, "note")},
        filter={name: value for name, value in batch.filter.items() if ids or name != "ids"},
        act=batch.what["act"],
        step=batch.what.get("step", ""),
        state=State(batch.state),
        outcome=batching.outcome(State(batch.state), counts),
        total=counts.total,
        counts=counts.as_json(),
        follows=[SagaBatchCounted(**each) for each in follows],
        startable_until=batch.created_at + queries.FRESH,
    )


def _one(batch_id: UUID) -> Batch:
    return queries.one(batch_id, kinds=(saga_acts.NAME,))


def _reader(request: HttpRequest) -> None:
    access.authorize(access.actor_of(request), "sagas.view")
