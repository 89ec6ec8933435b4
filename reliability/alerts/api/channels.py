"""``/alerts/channels``: by which ways people are told, and whether they work."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Path, Router, Status

from reliability import access
from reliability.alerts.api import bodies
from reliability.alerts.api.bodies import AlertChannels, AlertDelivery, Name
from reliability.alerts.api.incidents import reader
from reliability.alerts.operations import acting
from reliability.alerts.queries import channels
from reliability.kernel import clock

router = Router(tags=["alerts"])


@router.get("/alerts/channels", response=AlertChannels, operation_id="list_channels", summary="Channels")
def list_channels(request: HttpRequest) -> AlertChannels:
    """List the channels of the settings and how they do; without secrets."""
    reader(request)
    return listed()


@router.post(
    "/alerts/channels/{name}/test", response={201: AlertDelivery}, operation_id="test_channel", summary="Try a channel"
)
def test_channel(request: HttpRequest, name: Path[Name]) -> Status[AlertDelivery]:
    """Send a message that says it is a test, the way that all take. What came of it is read at the message."""
    row = acting.test(channel=name, actor=access.actor_of(request), now=clock.SYSTEM.now())
    return Status(201, bodies.delivery(row))


def listed() -> AlertChannels:
    """Return every channel."""
    return AlertChannels(items=[bodies.channel(each) for each in channels.doing()])
