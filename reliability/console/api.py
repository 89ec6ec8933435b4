"""``GET /overview`` and ``GET /processes`` over the API."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from ninja import Router, Schema

from reliability import access
from reliability.console import queries
from reliability.console.domain.values import Item, Tile, TimelineRow
from reliability.kernel import clock
from reliability.live.domain.processes import HeartbeatRow

router = Router(tags=["console"])


class ShownItem(Schema):
    """Something that needs a person."""

    id: str
    room: str
    status: str
    word: str
    title: str
    detail: str
    since: datetime | None
    url: str
    act_label: str
    act_url: str
    act_method: str
    count: int

    @staticmethod
    def of(item: Item) -> ShownItem:
        """The same, for JSON."""
        return ShownItem.model_validate(item, from_attributes=True)


class ShownTile(Schema):
    """One figure."""

    title: str
    value: str
    unit: str
    status: str
    word: str
    points: list[float | None]
    at: datetime | None
    url: str

    @staticmethod
    def of(tile: Tile) -> ShownTile:
        """The same, for JSON."""
        return ShownTile.model_validate(tile, from_attributes=True)


class ShownRow(Schema):
    """One line of the timeline."""

    at: datetime
    kind: str
    status: str
    text: str
    url: str
    who: str

    @staticmethod
    def of(row: TimelineRow) -> ShownRow:
        """The same, for JSON."""
        return ShownRow.model_validate(row, from_attributes=True)


class ShownVerdict(Schema):
    """Everything in one sentence."""

    status: str
    sentence: str


class ShownOverview(Schema):
    """The first page; ``unread`` names the rooms that could not be asked."""

    at: datetime
    verdict: ShownVerdict
    attention: list[ShownItem]
    unread: list[str]
    tiles: list[ShownTile]
    timeline: list[ShownRow]


class ShownProcess(Schema):
    """The last word of a process; ``age_s`` by the database's clock."""

    name: str
    host: str
    pid: int
    state: str
    silent: bool
    at: datetime
    started_at: datetime
    age_s: float
    facts: dict[str, object]

    @staticmethod
    def of(row: HeartbeatRow) -> ShownProcess:
        """The same, for JSON."""
        return ShownProcess(
            name=row.name,
            host=row.host,
            pid=row.pid,
            state=row.state,
            silent=row.is_silent,
            at=row.at,
            started_at=row.started_at,
            age_s=round(row.age_s, 1),
            facts=dict(row.facts),
        )


class Processes(Schema):
    """All processes; there are few, so there is one page."""

    items: list[ShownProcess]
    next: None = None


@router.get("/overview", response=ShownOverview, operation_id="overview", summary="What needs a person, and how all is")
def overview(request: HttpRequest) -> ShownOverview:
    """The overview as one document. Things about topics outside your scopes are left out."""
    actor = access.actor_of(request)
    access.admit(actor, "overview.view")
    found = queries.overview(actor=actor, now=clock.SYSTEM.now())
    return ShownOverview(
        at=found.at,
        verdict=ShownVerdict(status=found.verdict.status, sentence=found.verdict.sentence),
        attention=[ShownItem.of(item) for item in found.attention.items],
        unread=list(found.attention.unread),
        tiles=[ShownTile.of(tile) for tile in found.tiles],
        timeline=[ShownRow.of(row) for row in found.timeline],
    )


@router.get("/processes", response=Processes, operation_id="list_processes", summary="Processes and their heartbeats")
def list_processes(request: HttpRequest) -> Processes:
    """The last word of every process. Errors and names are counted, not told, to who does not see every topic."""
    actor = access.actor_of(request)
    access.admit(actor, "processes.view")
    return Processes(items=[ShownProcess.of(row) for row in queries.processes(actor=actor)])
