"""``/lag/groups``: consumer groups, one of them with its partitions and members, its history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema
from pydantic import AfterValidator, AwareDatetime

from reliability import access
from reliability.kernel import clock
from reliability.kernel.errors import Refused
from reliability.lag.api import bodies
from reliability.lag.api.bodies import LagGroups, LagGroupWhole
from reliability.lag.domain.values import Word
from reliability.lag.queries import groups, history, series
from reliability.lag.queries.groups import Search

router = Router(tags=["lag"])

HISTORY = timedelta(hours=1)
HISTORY_MAX = timedelta(days=14)
# No NUL, which PostgreSQL's text has no room for.
Text = Annotated[str, Field(max_length=400, pattern=r"^[^\x00]*$")]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]


def _in_utc(at: datetime) -> datetime:
    """The instant in UTC; an offset may lead out of the years there are."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("This instant lies outside the years 1 to 9999 in UTC.") from None


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class BadRange(Refused):
    """A history begins before it ends, and is of 14 days at most."""

    code = "bad-range"
    status = 422


class GroupsQuery(Schema):
    """Which groups to list. Those that are gone are listed for ``text`` and for ``word=DEAD``."""

    text: Annotated[Text, Field(description="Parts of a group's name or of a topic's.")] = ""
    word: Word | None = None
    cluster: Text = ""
    topic: Annotated[Text, Field(description="The whole name of a topic that the group reads.")] = ""
    cursor: Annotated[str, Field(max_length=60)] = ""
    limit: Annotated[int, Field(ge=1, le=groups.PAGE_MAX)] = groups.PAGE


class HistoryQuery(Schema):
    """From when to when, of all topics of the group together or of one. Without ``since``: the last hour."""

    since: Instant | None = None
    until: Instant | None = None
    topic: Text = ""


class LagHistory(Schema):
    """Evenly spaced points, ``step_seconds`` apart; null: nobody looked, or it was not known."""

    step_seconds: int
    at: list[datetime]
    lag: list[int | None]
    lag_seconds: list[float | None]
    consumed: list[int | None]
    produced: list[int | None]


@router.get("/lag/groups", response=LagGroups, operation_id="list_lag_groups", summary="Consumer groups and their lag")
def list_groups(request: HttpRequest, asked: Query[GroupsQuery]) -> LagGroups:
    """List consumer groups of topics that you may see, the worst first."""
    search = Search(text=asked.text, word=asked.word or "", cluster=asked.cluster, topic=asked.topic)
    return bodies.paged(groups.page(actor=reader(request), search=search, cursor=asked.cursor, limit=asked.limit))


@router.get(
    "/lag/groups/{group_id}", response=LagGroupWhole, operation_id="get_lag_group", summary="One consumer group"
)
def get_group(request: HttpRequest, group_id: Path[Id]) -> LagGroupWhole:
    """Read one consumer group with its partitions and members."""
    actor = reader(request)
    row, group, partitions, members = groups.one(actor=actor, group_id=group_id)
    return bodies.whole(row, group, partitions, members, actor=actor)


@router.get(
    "/lag/groups/{group_id}/history",
    response=LagHistory,
    operation_id="get_lag_history",
    summary="The lag of a group over time",
)
def get_history(request: HttpRequest, group_id: Path[Id], asked: Query[HistoryQuery]) -> LagHistory:
    """Read the history: by the minute for a day back, by ten minutes for two weeks."""
    actor, now = reader(request), clock.SYSTEM.now()
    row, *_ = groups.one(actor=actor, group_id=group_id)
    until = min(asked.until or now, now)
    try:
        since = asked.since or until - HISTORY
        is_one = since < until <= since + HISTORY_MAX
    except OverflowError:  # years before the first, or after the last
        is_one = False
    if not is_one:
        raise BadRange
    visible = access.visible_topics(actor)
    found = series.chart(group_id=row.id, since=since, until=until, allowed=visible, topic=asked.topic)
    return LagHistory(
        step_seconds=found.step_s,
        at=[datetime.fromtimestamp(each, UTC) for each in found.at],
        lag=list(found.lag),
        lag_seconds=list(found.lag_s),
        consumed=list(found.consumed),
        produced=list(found.produced),
    )


class LagEvent(Schema):
    """What happened to a group. ``kind``: ``machine`` or ``person``."""

    at: datetime
    kind: str
    status: str
    text: str
    who: str


class LagEvents(Schema):
    """The newest 50; none where you see some of the group's topics only."""

    items: list[LagEvent]


@router.get(
    "/lag/groups/{group_id}/events",
    response=LagEvents,
    operation_id="list_lag_events",
    summary="What happened to a group",
)
def list_events(request: HttpRequest, group_id: Path[Id]) -> LagEvents:
    """List verdicts that came and went, rebalances, alerts and what people did, the newest first."""
    actor = reader(request)
    row, *_ = groups.one(actor=actor, group_id=group_id)
    happened = history.of_group(actor=actor, row=row)
    return LagEvents(
        items=[
            LagEvent(at=each.at, kind=each.kind, status=each.status, text=each.text, who=each.who) for each in happened
        ]
    )


def reader(request: HttpRequest) -> access.Actor:
    """Return who asks, if it may look at lag."""
    actor = access.actor_of(request)
    access.admit(actor, "lag.view")
    return actor
