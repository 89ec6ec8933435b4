"""What is told of incidents, mutes, channels and messages as JSON; the command line prints the same."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Field, Schema

from reliability import access
from reliability.alerts.domain import message, muting, sentences
from reliability.alerts.domain.channels import TITLES
from reliability.alerts.domain.muting import Covers
from reliability.alerts.models import Alert, Delivery, Happening, Mute
from reliability.alerts.models.deliveries import State
from reliability.alerts.queries import incidents
from reliability.alerts.queries.channels import Doing
from reliability.alerts.queries.incidents import Look

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Text = Annotated[str, Field(max_length=300, pattern=r"^[^\x00]*$")]
Name = Annotated[str, Field(max_length=63, pattern=r"^[^\x00]*$")]
Reason = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")]
Version = Annotated[int, Field(ge=0, le=2**31 - 1, strict=True)]
_OF_INCIDENT = (
    *("rule", "opened_at", "resolved_at", "resolved_why", "told", "told_to", "told_at"),
    *("acknowledged_at", "acknowledged_by", "acknowledged_why"),
)
_OF_DELIVERY = ("event", "channel", "state", "created_at", "attempts", "answer", "status", "done_at")


class AlertIncident(Schema):
    """One trouble. `partial`: some of it is of topics that you may not see, and is not told here."""

    id: int
    title: str
    severity: str
    state: Literal["open", "over"]
    rule: str
    opened_at: datetime
    resolved_at: datetime | None
    resolved_why: str
    count: int = Field(description="Alerts that are up.")
    partial: bool
    acknowledged_at: datetime | None
    acknowledged_by: str
    acknowledged_why: str
    muted: bool = Field(description="Nobody is told of it: at the last look a mute covered it.")
    told: str = Field(description="The severity that was told; empty: nobody was told.")
    told_to: list[str] = Field(description="Channels that a message about it was written for.")
    not_taken_by: list[str] = Field(description="Channels that have taken none of these messages yet.")
    told_at: datetime | None
    url: str


class AlertIncidents(Schema):
    """Open incidents, the worst first, or those that are over, the newest first; `next` is the `before` of the
    following page. `looked_at`: nothing later is known; `unread`: sources that could not be asked then."""

    items: list[AlertIncident]
    next: int | None
    looked_at: datetime | None
    unread: list[str]


class AlertOfIncident(Schema):
    """One thing, or one signal, that an incident is made of."""

    thing: str
    title: str
    detail: str
    severity: str
    phase: str
    room: str
    source: str
    url: str
    topics: list[str]
    began_at: datetime
    raised_at: datetime | None
    ended_at: datetime | None


class AlertHappening(Schema):
    """One thing that happened to an incident; `actor` is empty when nobody did it."""

    at: datetime
    kind: str
    text: str
    actor: str


class AlertDelivery(Schema):
    """A message to a channel. `answer` is what came of the last try; `due_at` is when it is tried again."""

    id: int
    incident: int | None
    event: str
    channel: str
    state: str
    title: str
    created_at: datetime
    due_at: datetime | None
    attempts: int
    answer: str
    status: int | None
    done_at: datetime | None


class AlertDeliveryWhole(AlertDelivery):
    """A message with its text, as people read it."""

    text: str


class AlertDeliveries(Schema):
    """Messages, the newest first; `next` is the `before` of the following page."""

    items: list[AlertDelivery]
    next: int | None


class AlertIncidentWhole(AlertIncident):
    """An incident with what it is made of, those that are up first, what happened to it and who was told, the newest
    first."""

    alerts: list[AlertOfIncident]
    alerts_not_shown: int
    happenings: list[AlertHappening]
    deliveries: list[AlertDelivery]


class AlertMute(Schema):
    """Nobody is told of what it covers. `lasting`: it does so now."""

    id: int
    covers: Covers
    of: str
    in_words: str
    lasting: bool
    until: datetime
    by: str
    reason: str
    at: datetime
    ended_at: datetime | None
    ended_by: str


class AlertMutes(Schema):
    """Mutes that last, the one that ends first in front, and the newest of those that are over."""

    items: list[AlertMute]
    past: list[AlertMute]


class AlertChannel(Schema):
    """A channel of the settings and how it does. `leads_to` holds nothing secret. `failing` is the last answer to a
    message that waits, empty when it is well."""

    name: str
    kind: str
    title: str
    leads_to: str
    waiting: int
    oldest_at: datetime | None
    failing: str
    sent: int
    sent_at: datetime | None
    given_up: int


class AlertChannels(Schema):
    """Every channel that the settings name."""

    items: list[AlertChannel]
    next: None = None


def incident(look: Look) -> AlertIncident:
    """Return an incident as somebody sees it."""
    return AlertIncident(**_incident(look))


def _incident(look: Look) -> dict[str, Any]:
    row = look.row
    return {name: getattr(row, name) for name in _OF_INCIDENT} | {
        "id": row.pk,
        "title": look.title,
        "severity": look.severity,
        "state": "open" if row.resolved_at is None else "over",
        "count": look.count,
        "partial": look.is_partial,
        "muted": row.is_muted,
        "not_taken_by": incidents.deaf(row) if row.told_to else [],
        "url": incidents.url_of(row.pk),
    }


def whole(look: Look, *, actor: access.Actor) -> AlertIncidentWhole:
    """Return an incident with all that belongs to it."""
    shown, more = incidents.alerts(look, actor=actor)
    return AlertIncidentWhole(
        **_incident(look),
        alerts=[_alert(each) for each in shown],
        alerts_not_shown=more,
        happenings=[_happening(each) for each in incidents.happenings(look)],
        deliveries=[delivery(each) for each in incidents.deliveries(look)],
    )


def _alert(row: Alert) -> AlertOfIncident:
    return AlertOfIncident(**{name: getattr(row, name) for name in AlertOfIncident.model_fields})


def _happening(row: Happening) -> AlertHappening:
    return AlertHappening(at=row.at, kind=row.kind, text=row.text, actor=row.actor)


def delivery(row: Delivery) -> AlertDelivery:
    """Return a message without its text."""
    return AlertDelivery(**_delivery(row))


def delivery_whole(row: Delivery) -> AlertDeliveryWhole:
    """Return a message with its text."""
    return AlertDeliveryWhole(**_delivery(row), text=message.read(row.body).text)


def _delivery(row: Delivery) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _OF_DELIVERY} | {
        "id": row.pk,
        "incident": row.incident_id,
        "title": row.body["title"],
        "due_at": row.due_at if row.state == State.WAITING else None,
    }


def mute(row: Mute, *, now: datetime) -> AlertMute:
    """Return a mute."""
    covers = Covers(row.covers)
    return AlertMute(
        id=row.pk,
        covers=covers,
        of=row.of,
        in_words=sentences.of_mute(muting.Mute(covers=covers, of=row.of)),
        lasting=row.ended_at is None and row.until > now,
        until=row.until,
        by=row.by,
        reason=row.reason,
        at=row.at,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
    )


def channel(doing: Doing) -> AlertChannel:
    """Return a channel and how it does, without what is secret."""
    return AlertChannel(
        name=doing.channel.name,
        kind=doing.channel.kind,
        title=TITLES[doing.channel.kind],
        leads_to=doing.channel.leads_to,
        waiting=doing.waiting,
        oldest_at=doing.oldest_at,
        failing=doing.failing,
        sent=doing.sent,
        sent_at=doing.sent_at,
        given_up=doing.given_up,
    )
