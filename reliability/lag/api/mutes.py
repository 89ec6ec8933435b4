"""``/lag/alerts``: what is told of groups now; ``/lag/groups/{id}/mute``: tell nobody of one for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Path, Router, Schema, Status

from reliability import access, audit
from reliability.console.asked import Asked
from reliability.kernel import clock
from reliability.lag.api.bodies import LagAlert, LagMute
from reliability.lag.api.groups import Id, Text, reader
from reliability.lag.models import Alert
from reliability.lag.operations import muting
from reliability.lag.queries import alerts, groups, history
from reliability.lag.queries.rows import Row

router = Router(tags=["lag"])

ALERTS_MAX = 200
LOOKED_AT_MAX = 5_000  # for an account that sees few of the topics
MINUTES_MAX = muting.LONGEST // timedelta(minutes=1)


class LagMuteRequest(Asked):
    """For how many minutes from now, and why."""

    minutes: Annotated[int, Field(ge=1, le=MINUTES_MAX, strict=True)]
    reason: Annotated[Text, Field(max_length=2_000)]


class GroupAlert(LagAlert):
    """An alert with the group it is of. ``muted``: nobody is told of it."""

    group: int
    group_name: str
    cluster: str
    muted: bool


class LagAlerts(Schema):
    """The alerts that are up, the newest first; at most 200."""

    items: list[GroupAlert]


@router.get("/lag/alerts", response=LagAlerts, operation_id="list_lag_alerts", summary="Alerts that are up")
def list_alerts(request: HttpRequest) -> LagAlerts:
    """List the alerts that are up, of groups of which you may see all topics."""
    actor = reader(request)
    raised = alerts.raised(limit=LOOKED_AT_MAX)
    found = groups.some(actor=actor, group_ids={each.group_id for each in raised})
    rows = {row.id: row for row in found if not row.is_limited}
    quiet = alerts.muted(rows, now=clock.SYSTEM.now())
    seen = [each for each in raised if each.group_id in rows][:ALERTS_MAX]
    return LagAlerts(items=[_alert(each, rows[each.group_id], is_muted=each.group_id in quiet) for each in seen])


def _alert(made: Alert, row: Row, *, is_muted: bool) -> GroupAlert:
    return GroupAlert(
        kind=made.kind,
        text=made.text,
        raised_at=made.raised_at,
        group=row.id,
        group_name=row.name,
        cluster=row.cluster,
        muted=is_muted,
    )


@router.put("/lag/groups/{group_id}/mute", response=LagMute, operation_id="mute_lag_group", summary="Mute a group")
def mute_group(request: HttpRequest, group_id: Path[Id], asked: LagMuteRequest) -> LagMute:
    """Tell nobody of the group's alerts for so long; takes the place of a mute that lasts."""
    actor = access.actor_of(request)
    with audit.admitted("lag.mute", actor=actor, target=history.target(group_id)):
        _, group, *_ = groups.one(actor=actor, group_id=group_id)
    made = muting.mute(
        group=group,
        lasts=timedelta(minutes=asked.minutes),
        reason=asked.reason,
        actor=actor,
        now=clock.SYSTEM.now(),
    )
    return LagMute.of(made)


@router.delete(
    "/lag/groups/{group_id}/mute", response={204: None}, operation_id="unmute_lag_group", summary="End a mute"
)
def unmute_group(request: HttpRequest, group_id: Path[Id]) -> Status[None]:
    """Tell again from the next look on; nothing happens to a group that is not muted."""
    actor = access.actor_of(request)
    with audit.admitted("lag.unmute", actor=actor, target=history.target(group_id)):
        _, group, *_ = groups.one(actor=actor, group_id=group_id)
    muting.unmute(group=group, actor=actor)
    return Status(204, None)
