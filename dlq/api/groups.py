"""``/letter-groups``: failures, however many letters each of them hit."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema

from dlq.api.words import Id, Text
from dlq.domain import masking, search
from dlq.queries import groups as queries
from dlq.queries import letters as letter_queries
from reliability import access
from reliability.kernel import clock

router = Router(tags=["letters"])


class GroupsQuery(Schema):
    """Which groups to list; `empty` adds those with no letter open, replaying or quarantined."""

    q: Annotated[Text, Field(description="The search grammar of the pages.")] = ""
    empty: bool = False
    cursor: Annotated[str, Field(max_length=40)] = ""
    limit: Annotated[int, Field(ge=1, le=queries.PAGE_MAX)] = queries.PAGE


class LetterGroupShown(Schema):
    """A failure group. `points`: new letters per minute over the last hour, the newest last."""

    id: int
    title: str
    consumer_group: str
    error_type: str
    frame: str
    sample_message: str = Field(description="The message of one failure; secrets are dots; empty if `limited`.")
    cause: str
    advice: str = Field(description="What usually helps against this cause.")
    status: str
    standing: str
    topics: list[str]
    sources: list[str]
    count: int
    open: int
    replaying: int
    quarantined: int
    duplicates: int
    first_seen: datetime
    last_seen: datetime
    note: str
    limited: bool = Field(description="You see some topics only: numbers, times and names are of letters of these.")
    points: list[float]


class LetterGroups(Schema):
    """A page of groups, most open letters first; ``next`` is the following page's ``cursor``."""

    items: list[LetterGroupShown]
    next: str | None


@router.get("/letter-groups", response=LetterGroups, operation_id="list_letter_groups", summary="Failure groups")
def list_groups(request: HttpRequest, asked: Query[GroupsQuery]) -> LetterGroups:
    """List failure groups of topics that you may see."""
    actor = _reader(request)
    page = queries.page(
        actor=actor,
        search=search.parse(asked.q),
        now=clock.SYSTEM.now(),
        empty=asked.empty,
        cursor=asked.cursor,
        limit=asked.limit,
    )
    return paged(page, actor=actor)


@router.get(
    "/letter-groups/{group_id}", response=LetterGroupShown, operation_id="get_letter_group", summary="One failure group"
)
def get_group(request: HttpRequest, group_id: Path[Id]) -> LetterGroupShown:
    """Read one failure group."""
    actor = _reader(request)
    return shown(queries.one(actor=actor, group_id=group_id, now=clock.SYSTEM.now()), actor=actor)


def _reader(request: HttpRequest) -> access.Actor:
    actor = access.actor_of(request)
    access.admit(actor, "letters.view")
    return actor


def paged(page: queries.Page, *, actor: access.Actor) -> LetterGroups:
    """Return a page of groups as the API shows it."""
    return LetterGroups(items=[shown(row, actor=actor) for row in page.rows], next=page.next)


def shown(row: queries.Row, *, actor: access.Actor) -> LetterGroupShown:
    """Return a group as the API shows it to the actor."""
    group = row.group
    reveals = letter_queries.reveals(actor, *group.topics)
    return LetterGroupShown(
        id=group.pk,
        title=group.title,
        consumer_group=group.consumer_group,
        error_type=group.error_type,
        frame=group.frame,
        sample_message=group.sample_message if reveals else masking.masked_text(group.sample_message),
        cause=group.cause,
        advice=row.advice.text,
        status=row.standing.status,
        standing=row.standing.word,
        topics=group.topics,
        sources=group.sources,
        count=group.count,
        open=group.open_count,
        replaying=group.replaying_count,
        quarantined=group.quarantined_count,
        duplicates=group.duplicate_count,
        first_seen=group.first_seen,
        last_seen=group.last_seen,
        note=group.note,
        limited=row.is_limited,
        points=row.points,
    )
