"""Who muted what, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from reliability.alerts.domain import muting
from reliability.alerts.models import Incident, Mute
from reliability.kernel.errors import Refused

HISTORY_MAX = 50


class NoSuchMute(Refused):
    """There is no such mute."""

    code = "no-such-mute"
    status = 404


def rows(*, now: datetime) -> Sequence[Mute]:
    """Return the mutes that last, the one that ends first in front."""
    return list(Mute.objects.filter(until__gt=now, ended_at=None).order_by("until", "id"))


def past(*, now: datetime) -> Sequence[Mute]:
    """Return the newest mutes that are over."""
    return list(Mute.objects.exclude(until__gt=now, ended_at=None).order_by("-until", "-id")[:HISTORY_MAX])


def lasting(*, now: datetime) -> list[muting.Mute]:
    """Return the mutes that last, as values."""
    return [value(row) for row in rows(now=now)]


def of_incident(incident: Incident, *, now: datetime) -> Sequence[Mute]:
    """Return the mutes that last and cover an incident, or something in it that stands."""
    lasting_rows = rows(now=now)
    if not lasting_rows:
        return []
    up = incident.alerts.filter(ended_at=None).values_list("thing", "room")
    things = [muting.Thing(id=thing, room=room) for thing, room in up]
    about: dict[str, Any] = {"rule": incident.rule, "incident": str(incident.pk), "things": things}
    return [row for row in lasting_rows if muting.touches(value(row), **about)]


def value(row: Mute) -> muting.Mute:
    """Return what a mute covers, as the rules of muting look at it."""
    return muting.Mute(covers=muting.Covers(row.covers), of=row.of)


def one(number: int) -> Mute:
    """Return a mute; raises ``NoSuchMute``."""
    found = Mute.objects.filter(pk=number).first()
    if found is None:
        raise NoSuchMute
    return found
