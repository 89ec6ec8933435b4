"""``GET /overview``, ``GET /processes`` and ``GET /orders/{id}`` over the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Path, Router, Schema

from reliability import access
from reliability.console import queries, related
from reliability.console.domain.values import Item, Part, Section, Tile, TimelineRow
from reliability.console.related import Everything, Happened
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


class ShownFact(Schema):
    """A name with its value, a text or an instant."""

    name: str
    value: datetime | str


class ShownPart(Schema):
    """One thing that belongs to another; ``url`` is its page here, "" where it has none."""

    kind: str
    title: str
    text: str
    url: str
    status: str
    word: str
    at: datetime | None
    facts: list[ShownFact]

    @staticmethod
    def of(part: Part) -> ShownPart:
        """The same, for JSON."""
        facts = [ShownFact(name=name, value=value) for name, value in part.facts]
        names = ("kind", "title", "text", "url", "status", "word", "at")
        return ShownPart(facts=facts, **{name: getattr(part, name) for name in names})


class ShownSection(Schema):
    """What one source answered. ``state``: ok, empty (it knows nothing of it), slow (no answer in time), failed, busy
    (not asked, for want of a thread or a connection); ``left_out``: parts beyond those that are listed."""

    name: str
    state: str
    error: str
    took_ms: float | None
    parts: list[ShownPart]
    left_out: int

    @staticmethod
    def of(section: Section) -> ShownSection:
        """The same, for JSON."""
        return ShownSection(
            name=section.name,
            state=section.state,
            error=section.error,
            took_ms=section.took_ms,
            parts=[ShownPart.of(part) for part in section.parts],
            left_out=section.left_out,
        )


class HappenedRow(ShownRow):
    """A line of the merged timeline; ``source`` is the section it comes from."""

    source: str

    @staticmethod
    def of_source(happened: Happened) -> HappenedRow:
        """The same, for JSON."""
        return HappenedRow(source=happened.source, **ShownRow.of(happened.row).model_dump())


class ShownOrder(Schema):
    """Everything that is known of an order. ``complete``: every section answered.

    ``limited``: events and letters of topics outside your scopes are left out.
    """

    id: str
    at: datetime
    complete: bool
    limited: bool
    sections: list[ShownSection]
    happened: list[HappenedRow]
    older: int

    @staticmethod
    def of(found: Everything) -> ShownOrder:
        """The same, for JSON."""
        return ShownOrder(
            id=found.id,
            at=found.at,
            complete=not found.missing,
            limited=found.is_limited,
            sections=[ShownSection.of(section) for section in found.sections],
            happened=[HappenedRow.of_source(each) for each in found.happened],
            older=found.older,
        )


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


@router.get(
    "/orders/{path:order_id}",
    response=ShownOrder,
    operation_id="get_order",
    summary="Everything that is known of an order",
)
def get_order(
    request: HttpRequest, order_id: Annotated[str, Path(description="As its services write it.")]
) -> ShownOrder:
    """Ask every room side by side, for a second and a half at most; what did not answer says so in its section.

    404 when all of them answered and none knows it.
    """
    actor = access.actor_of(request)
    access.admit(actor, "orders.view")
    found = related.everything(actor=actor, kind="order", thing=order_id, now=clock.SYSTEM.now())
    if not found.is_known and not found.missing:
        asked = ", ".join(section.name for section in found.sections)
        raise related.NothingKnown(f"Nothing is known of an order of this id. Asked were: {asked}.")
    return ShownOrder.of(found)
