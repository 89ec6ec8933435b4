"""``/discards``: give letters up for a reason, see what was dropped, undo it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema, Status

from dlq.api.words import Id, Paging, Scope, Text
from dlq.domain import scope
from dlq.models import Discard
from dlq.operations import discards as operations
from dlq.queries import discards as queries
from reliability import access
from reliability.console.asked import Asked
from reliability.kernel import clock

router = Router(tags=["discards"])


class DiscardRequest(Asked):
    """What to give up and why. `expected`: how many letters you were shown; another number refuses the act."""

    scope: Scope
    reason: Text
    expected: int | None = Field(None, ge=0)


class DiscardShown(Schema):
    """A discard. `skipped` counts letters of the scope that were left alone, by reason."""

    id: int
    scope: dict[str, Any]
    reason: str
    actor: str
    topics: list[str]
    count: int
    skipped: dict[str, int]
    created_at: datetime
    undo_until: datetime
    can_be_undone: bool
    undone_at: datetime | None
    undone_by: str


class DiscardReport(DiscardShown):
    """A discard with what was dropped, by failure group, origin topic and consumer group."""

    report: dict[str, list[dict[str, Any]]]


class Discards(Schema):
    """A page of discards, newest first; ``next`` is the next page's ``cursor``, also of one that is not full."""

    items: list[DiscardShown]
    next: int | None


class DiscardedIds(Schema):
    """A page of ids of discarded letters; ``next`` is the following page's ``cursor``."""

    items: list[int]
    next: int | None


@router.post("/discards", response={201: DiscardShown}, operation_id="create_discard", summary="Discard letters")
def create_discard(request: HttpRequest, asked: DiscardRequest) -> Status[DiscardShown]:
    """Give letters up. Undoable until `undo_until`; letters being replayed or closed already are left alone."""
    made = operations.discard(
        scope=scope.parse(asked.scope),
        reason=asked.reason,
        expected=asked.expected,
        actor=access.actor_of(request),
        now=clock.SYSTEM.now(),
    )
    return Status(201, shown(made))


@router.get("/discards", response=Discards, operation_id="list_discards", summary="Discards, newest first")
def list_discards(request: HttpRequest, asked: Query[Paging]) -> Discards:
    """List discards of topics that you may see."""
    actor = access.actor_of(request)
    access.admit(actor, "letters.view")
    rows, before = queries.discards(actor=actor, before=asked.cursor, limit=asked.limit)
    return Discards(items=[shown(made) for made in rows], next=before)


@router.get("/discards/{discard_id}", response=DiscardReport, operation_id="get_discard", summary="What was dropped")
def get_discard(request: HttpRequest, discard_id: Path[Id]) -> DiscardReport:
    """Read one discard with its report."""
    return reported(_visible(request, discard_id))


@router.get(
    "/discards/{discard_id}/letters",
    response=DiscardedIds,
    operation_id="list_discarded_letters",
    summary="Ids of the discarded letters",
)
def list_letters(request: HttpRequest, discard_id: Path[Id], asked: Query[Paging]) -> DiscardedIds:
    """List which letters were dropped, ascending."""
    limit = asked.limit
    ids = queries.letter_ids(_visible(request, discard_id), after=asked.cursor or 0, limit=limit + 1)
    return DiscardedIds(items=ids[:limit], next=ids[limit - 1] if len(ids) > limit else None)


@router.delete("/discards/{discard_id}", response=DiscardShown, operation_id="undo_discard", summary="Undo a discard")
def undo_discard(request: HttpRequest, discard_id: Path[Id]) -> DiscardShown:
    """Give the letters back the states they had."""
    made = operations.undo(discard_id=discard_id, actor=access.actor_of(request), now=clock.SYSTEM.now())
    return shown(made)


def _visible(request: HttpRequest, discard_id: int) -> Discard:
    actor = access.actor_of(request)
    access.admit(actor, "letters.view")
    return queries.visible_discard(discard_id, actor=actor)


def shown(made: Discard) -> DiscardShown:
    """Return a discard as the API shows it."""
    return DiscardShown(**_fields(made))


def reported(made: Discard) -> DiscardReport:
    """Return a discard with its report."""
    return DiscardReport(**_fields(made), report=queries.report(made))


def _fields(made: Discard) -> dict[str, Any]:
    return {
        "id": made.pk,
        "scope": made.scope,
        "reason": made.reason,
        "actor": made.actor,
        "topics": made.topics,
        "count": made.count,
        "skipped": made.skipped,
        "created_at": made.created_at,
        "undo_until": made.undo_until,
        "can_be_undone": queries.can_be_undone(made, now=clock.SYSTEM.now()),
        "undone_at": made.undone_at,
        "undone_by": made.undone_by,
    }
