"""``/outbox``: how the shards stand, what is parked, pause and resume."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from outbox import operations, queries
from outbox.domain.event import SHARDS
from outbox.operations.pausing import ALL_SHARDS
from reliability import access
from reliability.console.asked import Asked
from reliability.kernel import clock

router = Router(tags=["outbox"])

REASON_CHARACTERS_MAX = 1_000

Reason = Annotated[str, Field(min_length=1, max_length=REASON_CHARACTERS_MAX, pattern=r"^[^\x00]*$")]


class ShardShown(Schema):
    """One shard; ``backlog`` is a lower bound when ``backlog_capped``."""

    id: int
    state: str
    owner: str
    epoch: int
    lease_until: datetime | None
    backlog: int
    backlog_capped: bool
    oldest_at: datetime | None
    oldest_age_s: float
    rate_per_s: float
    paused_at: datetime | None
    paused_by: str
    pause_reason: str
    failures: int
    retry_at: datetime | None
    last_error: str
    last_error_at: datetime | None
    sent: int
    sent_at: datetime | None
    parked: int


class Shards(Schema):
    """All shards; there is no next page. ``halted`` says why no relay sends, or is empty."""

    items: list[ShardShown]
    next: None = None
    halted: str


class ParkedShown(Schema):
    """One parked event, in order of ``event``; ``behind``: it only waits for the one before it in its key."""

    event: int
    event_id: UUID
    shard: int
    topic: str
    key: str | None
    behind: bool
    code: str
    reason: str
    number: str
    parked_at: datetime


class ParkedEvents(Schema):
    """A page of parked events; ``next`` is the following page's ``cursor``."""

    items: list[ParkedShown]
    next: int | None


class ParkedQuery(Schema):
    """Which parked events to list."""

    cursor: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, Field(ge=1, le=queries.PAGE_ROWS_MAX)] = 100
    topic: Annotated[str, Field(max_length=249, pattern=r"^[^\x00]*$")] = ""


class Pause(Asked):
    """Which shards to stop (all when none is named), and why."""

    shards: Annotated[list[Annotated[int, Field(ge=0, lt=SHARDS)]], Field(max_length=SHARDS)] = []
    reason: Reason


class Resume(Schema):
    """Which shards to go on with; all when none is named."""

    shards: Annotated[list[Annotated[int, Field(ge=0, lt=SHARDS)]], Field(max_length=SHARDS)] = []


class Changed(Schema):
    """The shards that were changed."""

    shards: list[int]


@router.get("/shards", response=Shards, operation_id="list_outbox_shards", summary="The outbox's shards")
def list_shards(request: HttpRequest) -> Shards:
    """How much waits in each shard, since when, who sends it, what is wrong.

    A shard carries events of every topic: only `parked` and `last_error` are of topics that you may see.
    """
    actor = access.actor_of(request)
    access.admit(actor, "outbox.view")
    rows = queries.seen(queries.shards(clock.SYSTEM.now()), visible=access.visible_topics(actor))
    return Shards(items=[ShardShown.model_validate(row, from_attributes=True) for row in rows], halted=queries.halted())


@router.get("/parked", response=ParkedEvents, operation_id="list_parked_events", summary="Parked events")
def list_parked(request: HttpRequest, asked: Query[ParkedQuery]) -> ParkedEvents:
    """Events of topics that you may see that Kafka refused for good, and those that wait behind them in their key."""
    actor = access.actor_of(request)
    access.admit(actor, "outbox.view")
    rows = queries.parked(
        after=asked.cursor, limit=asked.limit, topic=asked.topic, visible=access.visible_topics(actor)
    )
    items = [
        ParkedShown(
            event=row.event,
            event_id=row.event_id,
            shard=row.shard,
            topic=row.topic,
            key=None if row.key is None else row.key_text,
            behind=row.behind,
            code=row.code,
            reason=row.reason,
            number=row.number,
            parked_at=row.parked_at,
        )
        for row in rows
    ]
    return ParkedEvents(items=items, next=rows[-1].event if len(rows) == asked.limit else None)


@router.post("/pause", response=Changed, operation_id="pause_outbox", summary="Stop sending")
def pause(request: HttpRequest, asked: Pause) -> Changed:
    """Stop sending from shards; what was begun is finished, nothing is dropped."""
    shards = operations.pause(
        shards=asked.shards or ALL_SHARDS,
        actor=access.actor_of(request),
        reason=asked.reason,
        now=clock.SYSTEM.now(),
    )
    return Changed(shards=shards)


@router.delete("/pause", response=Changed, operation_id="resume_outbox", summary="Send again")
def resume(request: HttpRequest, asked: Query[Resume]) -> Changed:
    """Send from paused shards again."""
    return Changed(shards=operations.resume(shards=asked.shards or ALL_SHARDS, actor=access.actor_of(request)))
