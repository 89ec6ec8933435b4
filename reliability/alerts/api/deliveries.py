"""``/alerts/deliveries``: what was told to whom, and what became of it."""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema

from reliability import access
from reliability.alerts.api import bodies
from reliability.alerts.api.bodies import AlertDeliveries, AlertDelivery, AlertDeliveryWhole, Id, Name
from reliability.alerts.api.incidents import reader
from reliability.alerts.operations import acting
from reliability.alerts.queries import log
from reliability.kernel import clock

router = Router(tags=["alerts"])


class DeliveriesQuery(Schema):
    """Which messages; `before` is the `next` of the page before."""

    state: Literal["waiting", "sent", "given_up"] | None = None
    channel: Name = ""
    before: Id | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = log.PAGE


@router.get("/alerts/deliveries", response=AlertDeliveries, operation_id="list_deliveries", summary="Messages")
def list_deliveries(request: HttpRequest, asked: Query[DeliveriesQuery]) -> AlertDeliveries:
    """List messages, the newest first; those about incidents that are hidden from you are not there."""
    actor = reader(request)
    return listed(actor=actor, state=asked.state or "", channel=asked.channel, before=asked.before, limit=asked.limit)


@router.get("/alerts/deliveries/{number}", response=AlertDeliveryWhole, operation_id="get_delivery", summary="One")
def get_delivery(request: HttpRequest, number: Path[Id]) -> AlertDeliveryWhole:
    """Read a message with its text, as people got it."""
    return bodies.delivery_whole(log.one(number, actor=reader(request)).row)


@router.post(
    "/alerts/deliveries/{number}/send-again",
    response=AlertDelivery,
    operation_id="send_delivery_again",
    summary="Send it again",
)
def send_delivery_again(request: HttpRequest, number: Path[Id]) -> AlertDelivery:
    """Put a message that was given up on its way once more."""
    return send_again(number, actor=access.actor_of(request))


def listed(
    *, actor: access.Actor, state: str = "", channel: str = "", before: int | None = None, limit: int
) -> AlertDeliveries:
    """Return a page of messages; raises ``NoSuchChannel``."""
    if channel:
        log.check_channel(channel)
    page = log.page(actor=actor, state=state, channel=channel, before=before, limit=limit)
    return AlertDeliveries(items=[bodies.delivery(each.row) for each in page.items], next=page.next)


def send_again(number: int, *, actor: access.Actor) -> AlertDelivery:
    """Put a message on its way once more; return it as the actor sees it then."""
    acting.send_again(number=number, actor=actor, now=clock.SYSTEM.now())
    return bodies.delivery(log.one(number, actor=actor).row)
