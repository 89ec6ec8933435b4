"""``/alerts/incidents``: what is wrong, what was, and that somebody looks after it."""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema

from reliability import access, audit
from reliability.alerts.api import bodies
from reliability.alerts.api.bodies import AlertIncident, AlertIncidents, AlertIncidentWhole, Id, Reason
from reliability.alerts.operations import acting
from reliability.alerts.queries import incidents, turns
from reliability.console.asked import Asked
from reliability.kernel import clock
from reliability.kernel.errors import Refused

router = Router(tags=["alerts"])
State = Literal["open", "over"]


class OnePage(Refused):
    """Open incidents are one page: before and limit are for those that are over (state=over)."""

    code = "one-page"
    status = 422


class IncidentsQuery(Schema):
    """Which incidents. Those that are over come in pages: `before` is the `next` of the page before."""

    state: State = "open"
    before: Id | None = None
    limit: Annotated[int | None, Field(ge=1, le=200)] = None


class AcknowledgeRequest(Asked):
    """Why, or who does what about it: it is told to whoever heard of the incident."""

    reason: Reason = ""


def reader(request: HttpRequest) -> access.Actor:
    """Return who asks; raises ``access.Denied`` for who may not see alerts."""
    actor = access.actor_of(request)
    access.admit(actor, "alerts.view")
    return actor


@router.get("/alerts/incidents", response=AlertIncidents, operation_id="list_incidents", summary="Incidents")
def list_incidents(request: HttpRequest, asked: Query[IncidentsQuery]) -> AlertIncidents:
    """List open incidents, the worst first, or those that are over, the newest first, as far as you may see them."""
    actor = reader(request)
    if asked.state == "open" and (asked.before is not None or asked.limit is not None):
        raise OnePage
    return listed(actor=actor, state=asked.state, before=asked.before, limit=asked.limit or incidents.PAGE)


@router.get("/alerts/incidents/{number}", response=AlertIncidentWhole, operation_id="get_incident", summary="One")
def get_incident(request: HttpRequest, number: Path[Id]) -> AlertIncidentWhole:
    """Read an incident with its alerts, what happened to it, and who was told of it."""
    return whole(number, actor=reader(request))


@router.post(
    "/alerts/incidents/{number}/acknowledge",
    response=AlertIncident,
    operation_id="acknowledge_incident",
    summary="Look after it",
)
def acknowledge_incident(request: HttpRequest, number: Path[Id], asked: AcknowledgeRequest) -> AlertIncident:
    """Say that you look after an incident: whoever heard of it is told, and nobody is reminded any more."""
    return acknowledge(number, reason=asked.reason, actor=access.actor_of(request))


def listed(*, actor: access.Actor, state: State, before: int | None = None, limit: int) -> AlertIncidents:
    """Return a page of incidents, and how old what is known is."""
    turn = turns.last()
    page = incidents.over(actor=actor, before=before, limit=limit) if state == "over" else None
    looks = page.items if page is not None else incidents.active(actor=actor)
    return AlertIncidents(
        items=[bodies.incident(look) for look in looks],
        next=page.next if page is not None else None,
        looked_at=turn.at if turn is not None else None,
        unread=turn.unread if turn is not None else [],
    )


def whole(number: int, *, actor: access.Actor) -> AlertIncidentWhole:
    """Return an incident with all that belongs to it; raises ``NoSuchIncident``."""
    return bodies.whole(incidents.one(number, actor=actor), actor=actor)


def acknowledge(number: int, *, reason: str, actor: access.Actor) -> AlertIncident:
    """Acknowledge an incident that the actor sees; return it as it is then."""
    with audit.admitted("alerts.acknowledge", actor=actor, target=acting.target(number)):
        look = incidents.one(number, actor=actor)
    acting.acknowledge(look=look, reason=reason, actor=actor, now=clock.SYSTEM.now())
    return bodies.incident(incidents.one(number, actor=actor))
