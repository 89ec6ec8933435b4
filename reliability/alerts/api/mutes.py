"""``/alerts/mutes``: nobody is told of something for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Path, Router, Status

from reliability import access
from reliability.alerts.api import bodies
from reliability.alerts.api.bodies import AlertMute, AlertMutes, Id, Reason, Text
from reliability.alerts.api.incidents import reader
from reliability.alerts.domain.muting import LONGEST, Covers
from reliability.alerts.operations import acting
from reliability.alerts.queries import mutes
from reliability.console.asked import Asked
from reliability.kernel import clock

router = Router(tags=["alerts"])
MINUTES_MAX = LONGEST // timedelta(minutes=1)


class MuteRequest(Asked):
    """What (`of`: the rule's name, the page's slug, the incident's number, a glob of ids such as lag:*; empty for
    everything), for how many minutes from now, and why."""

    covers: Covers
    of: Text = ""
    minutes: Annotated[int, Field(ge=1, le=MINUTES_MAX, strict=True)]
    reason: Reason


@router.get("/alerts/mutes", response=AlertMutes, operation_id="list_mutes", summary="Mutes")
def list_mutes(request: HttpRequest) -> AlertMutes:
    """List the mutes that last, and the newest of those that are over."""
    reader(request)
    return listed()


@router.post("/alerts/mutes", response={201: AlertMute}, operation_id="mute_alerts", summary="Mute")
def mute_alerts(request: HttpRequest, asked: MuteRequest) -> Status[AlertMute]:
    """Have nobody told of something for a while; what is wrong stays in sight, and whoever heard of it hears its end.

    An account that sees some topics alone may mute single incidents alone.
    """
    now = clock.SYSTEM.now()
    made = acting.mute(
        covers=asked.covers,
        of=asked.of,
        lasts=timedelta(minutes=asked.minutes),
        reason=asked.reason,
        actor=access.actor_of(request),
        now=now,
    )
    return Status(201, bodies.mute(made, now=now))


@router.delete("/alerts/mutes/{number}", response={204: None}, operation_id="unmute_alerts", summary="End a mute")
def unmute_alerts(request: HttpRequest, number: Path[Id]) -> Status[None]:
    """End a mute: what still stands is told at once. One that is over is left as it is."""
    acting.unmute(number=number, actor=access.actor_of(request), now=clock.SYSTEM.now())
    return Status(204, None)


def listed() -> AlertMutes:
    """Return the mutes that last and the newest others."""
    now = clock.SYSTEM.now()
    return AlertMutes(
        items=[bodies.mute(row, now=now) for row in mutes.rows(now=now)],
        past=[bodies.mute(row, now=now) for row in mutes.past(now=now)],
    )
