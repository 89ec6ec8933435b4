"""Tells every channel when nobody looks whether somebody has to be told: rules cannot, nobody looks at them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from reliability.alerts.domain import message
from reliability.alerts.domain.muting import Covers
from reliability.alerts.domain.telling import Event
from reliability.alerts.models import Delivery, Turn
from reliability.alerts.queries import channels, incidents, mutes

LATE_AFTER: Final = timedelta(minutes=3)
"""Turns come each five seconds; a look at everything takes a second or two when much is wrong."""
TITLE: Final = "Nobody looks whether somebody has to be told"
DETAIL: Final = (
    "The rules were last looked at {at}. Either a room hangs while it is asked, or no worker of the queue critical"
    " looks."
)


def watch(*, now: datetime) -> bool:
    """Write what is to be told of the watch itself: once when it stands still, once when it goes on. Whether it was.

    Nothing while a turn is being written down, and nothing while everything is muted.
    """
    with transaction.atomic():
        row = Turn.objects.select_for_update(skip_locked=True).filter(pk=1).exclude(at=None).first()
        if row is None or row.at is None:
            return False
        is_late = now - row.at > LATE_AFTER
        if is_late == (row.late_told_at is not None):
            return False
        if is_late and any(mute.covers is Covers.EVERYTHING for mute in mutes.lasting(now=now)):
            return False
        began = row.late_told_at or now
        row.late_told_at = now if is_late else None
        row.save(update_fields=["late_told_at"])
        event = Event.TRIGGER if is_late else Event.RESOLVE
        body = message.as_json(_message(event, looked_at=row.at, since=began, now=now))
        made = [
            Delivery(channel=name, event=event.value, body=body, created_at=now, due_at=now)
            for name in channels.names()
        ]
        Delivery.objects.bulk_create(made)
    return bool(made)


def _message(event: Event, *, looked_at: datetime, since: datetime, now: datetime) -> message.Message:
    name = getattr(settings, "MAINSTAY_ENVIRONMENT_NAME", "")
    thing = message.Thing(title=TITLE, detail=DETAIL.format(at=message.instant(looked_at)), severity="crit")
    return message.Message(
        event=event,
        dedup_key=f"mainstay/{name}/watch-{since:%Y%m%d%H%M%S}",
        title=TITLE,
        severity="crit",
        rule="",
        environment=name,
        since=message.instant(since),
        at=message.instant(now),
        things=(thing,) if event is Event.TRIGGER else (),
        count=1,
        url=incidents.absolute(incidents.URL),
    )
