"""``/replays``: approve a plan, watch its run, pause, resume, cancel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema, Status

from dlq.api.words import Id, Paging, Text
from dlq.domain import masking
from dlq.domain.item import ItemState
from dlq.domain.run import RunState
from dlq.models import Letter, Replay, ReplayItem
from dlq.operations import replays as operations
from dlq.queries import letters as letter_queries
from dlq.queries import replays as queries
from reliability import access
from reliability.console.asked import Asked
from reliability.kernel import clock

router = Router(tags=["replays"])


class Approval(Asked):
    """The plan to run, its hash as it was shown, and why."""

    plan: Id
    hash: Text
    reason: Text


class Run(Schema):
    """A run. `counts` names every item state; `on_the_way` items are in the outbox and can no longer be taken back."""

    id: int
    plan: int | None
    hash: str
    state: RunState
    reason: str
    actor: str
    scope: dict[str, Any]
    target: dict[str, str]
    rate: float
    failed_limit: float | None
    total: int
    skipped: int = Field(description="Letters of the plan that were taken or closed before it was approved.")
    counts: dict[str, int]
    on_the_way: int
    refused: int = Field(description="Cancelled items that Kafka or the outbox refused; `error` of the item says why.")
    without_group: int = Field(description="Sent items whose consumer group is not known: choose it to see an outcome.")
    ramp: str = Field(description="The canary step, empty at full rate.")
    stop_reason: str
    created_at: datetime
    finished_at: datetime | None
    acts: dict[str, bool] = Field(description="What can be done with the run now.")


class Runs(Schema):
    """A page of runs, newest first; ``next`` is the next page's ``cursor``, also of one that is not full."""

    items: list[Run]
    next: int | None


class Item(Schema):
    """One letter of a run. Topic, partition, offset and sha256 are Kafka's receipt; `proof`: why it is in its state."""

    id: int
    letter: int
    position: int
    state: ItemState
    consumer_group: str
    message_id: str
    attempt: int
    event_id: UUID
    topic: str
    partition: int | None
    offset: int | None
    sha256: str
    queued_at: datetime | None
    sent_at: datetime | None
    passed_at: datetime | None
    settled_at: datetime | None
    proof: str
    refused: bool
    error: str
    new_letter: int | None = Field(description="The letter this failed into again; null also when you may not see it.")


class Items(Schema):
    """A page of items by position; ``next`` is the following page's ``cursor``."""

    items: list[Item]
    next: int | None


class RunsQuery(Paging):
    """Which runs to list."""

    state: RunState | None = None
    letter: Id | None = None


class ItemsQuery(Paging):
    """Which items to list."""

    state: ItemState | None = None


class Rate(Asked):
    """Items per second."""

    rate: float


class Group(Asked):
    """The consumer group that processes the items whose letters name none, and how that is known."""

    group: Text
    reason: Text


@router.post(
    "/replays", response={200: Run, 201: Run}, operation_id="create_replay", summary="Approve a plan: start its run"
)
def create_replay(request: HttpRequest, asked: Approval) -> Status[Run]:
    """Start the run of a plan (201). The same plan again answers 200 with the same run: a second click does nothing."""
    done = operations.approve(
        plan_id=asked.plan,
        plan_hash=asked.hash,
        reason=asked.reason,
        actor=access.actor_of(request),
        now=clock.SYSTEM.now(),
    )
    return Status(201 if done.created else 200, shown(done.replay))


@router.get("/replays", response=Runs, operation_id="list_replays", summary="Replays, newest first")
def list_replays(request: HttpRequest, asked: Query[RunsQuery]) -> Runs:
    """List runs that you may see; `letter` keeps those with that letter in them."""
    actor = access.actor_of(request)
    access.admit(actor, "letters.view")
    page = queries.replays(
        actor=actor, before=asked.cursor, limit=asked.limit, state=asked.state or "", letter=asked.letter
    )
    return paged(page)


@router.get("/replays/{replay_id}", response=Run, operation_id="get_replay", summary="One replay with its counts")
def get_replay(request: HttpRequest, replay_id: Path[Id]) -> Run:
    """Read a run."""
    return shown(_visible(request, replay_id))


@router.get("/replays/{replay_id}/items", response=Items, operation_id="list_replay_items", summary="Items of a replay")
def list_items(request: HttpRequest, replay_id: Path[Id], asked: Query[ItemsQuery]) -> Items:
    """List a run's items in the order of sending, with receipts and outcomes."""
    run = _visible(request, replay_id)
    rows, after = queries.items(run, state=asked.state or "", after=asked.cursor, limit=asked.limit)
    return items_shown(rows, after, actor=access.actor_of(request))


@router.post("/replays/{replay_id}/pause", response=Run, operation_id="pause_replay", summary="Pause a replay")
def pause(request: HttpRequest, replay_id: Path[Id]) -> Run:
    """Send nothing more; `on_the_way` items still arrive."""
    return shown(operations.pause(replay_id=replay_id, **_by(request)).replay)


@router.delete("/replays/{replay_id}/pause", response=Run, operation_id="resume_replay", summary="Resume a replay")
def resume(request: HttpRequest, replay_id: Path[Id]) -> Run:
    """Go on where the run stands, also after it stopped by itself."""
    return shown(operations.resume(replay_id=replay_id, **_by(request)).replay)


@router.post("/replays/{replay_id}/cancellation", response=Run, operation_id="cancel_replay", summary="Cancel a replay")
def cancel(request: HttpRequest, replay_id: Path[Id]) -> Run:
    """Take back what is not on its way; those letters are open again."""
    return shown(operations.cancel(replay_id=replay_id, **_by(request)).replay)


@router.put("/replays/{replay_id}/rate", response=Run, operation_id="change_replay_rate", summary="Change the rate")
def change_rate(request: HttpRequest, replay_id: Path[Id], asked: Rate) -> Run:
    """Send at most that many items a second from now on."""
    return shown(operations.change_rate(replay_id=replay_id, rate=asked.rate, **_by(request)).replay)


@router.put(
    "/replays/{replay_id}/consumer-group", response=Run, operation_id="choose_replay_group", summary="Name the group"
)
def choose_group(request: HttpRequest, replay_id: Path[Id], asked: Group) -> Run:
    """Say which consumer group processes the items whose letters name none; their outcome is watched from then on."""
    done = operations.choose_group(replay_id=replay_id, group=asked.group, reason=asked.reason, **_by(request))
    return shown(done.replay)


def _visible(request: HttpRequest, replay_id: int) -> Replay:
    actor = access.actor_of(request)
    access.admit(actor, "letters.view")
    return queries.visible_replay(replay_id, actor=actor)


def _by(request: HttpRequest) -> dict[str, Any]:
    return {"actor": access.actor_of(request), "now": clock.SYSTEM.now()}


def paged(page: queries.Page) -> Runs:
    """Return a page of runs as the API shows it."""
    return Runs(items=[shown(run) for run in page.rows], next=page.next_before)


def items_shown(rows: Sequence[ReplayItem], after: int | None, *, actor: access.Actor) -> Items:
    """Return a page of items as the API shows it to the actor: errors masked, new letters that it may see."""
    known = letter_queries.by_id([row.new_letter_id for row in rows if row.new_letter_id], actor=actor)
    mask = letter_queries.is_masked(actor)
    return Items(items=[_item(row, new=known.get(row.new_letter_id or 0), mask=mask) for row in rows], next=after)


def shown(run: Replay) -> Run:
    """Return a run as the API shows it."""
    counts = queries.counts(run)
    return Run(
        id=run.pk,
        plan=run.plan_id,
        hash=run.plan_hash,
        state=RunState(run.state),
        reason=run.reason,
        actor=run.actor,
        scope=run.scope,
        target=run.target,
        rate=run.rate,
        failed_limit=run.failed_limit,
        total=run.total,
        skipped=run.skipped,
        counts=counts,
        on_the_way=counts[ItemState.QUEUED],
        refused=run.counts.get("refused", 0),
        without_group=run.counts.get("groupless", 0),
        ramp=run.ramp_note,
        stop_reason=run.stop_reason,
        created_at=run.created_at,
        finished_at=run.finished_at,
        acts=queries.acts(run),
    )


def _item(row: ReplayItem, *, new: Letter | None, mask: bool) -> Item:
    return Item(
        id=row.pk,
        letter=row.letter_id,
        position=row.position,
        state=ItemState(row.state),
        consumer_group=row.consumer_group,
        message_id=row.message_id,
        attempt=row.attempt,
        event_id=row.event_id,
        topic=row.sent_topic,
        partition=row.sent_partition,
        offset=row.sent_offset,
        sha256=bytes(row.sent_sha256).hex(),
        queued_at=row.queued_at,
        sent_at=row.sent_at,
        passed_at=row.passed_at,
        settled_at=row.settled_at,
        proof=row.proof,
        refused=row.refused,
        error=masking.masked_text(row.error) if mask else row.error,
        new_letter=new.pk if new else None,
    )
