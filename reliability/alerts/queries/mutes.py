"""Who muted what, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from reliability import access
from reliability.alerts.domain import muting
from reliability.alerts.domain.muting import Covers
from reliability.alerts.models import Mute
from reliability.alerts.queries import incidents
from reliability.alerts.queries.incidents import Look
from reliability.console.registry import REGISTRY
from reliability.kernel.errors import Refused

HISTORY_MAX = 50
SIGNALS, OF_SIGNAL = "signals", "signal "
"""What a rule's signal has for a room and before its source: see ``operations/standing.py``."""
STANDING_MAX = 1_000
"""Things of an incident that are held against the mutes of its page; a storm has ten thousand that are alike."""


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


def of_incident(look: Look, *, actor: access.Actor, now: datetime) -> Sequence[Mute]:
    """Return the mutes that last and cover an incident, or something in it that stands and that somebody may see."""
    lasting_rows = rows(now=now)
    is_fine = any(row.covers in (Covers.ROOM, Covers.THINGS) for row in lasting_rows)
    about: dict[str, Any] = {
        "rule": look.row.rule,
        "incident": str(look.row.pk),
        "things": _standing(look, actor) if is_fine else [],
    }
    return [row for row in lasting_rows if muting.touches(value(row), **about)]


def thing(name: str, *, room: str, source: str) -> muting.Thing:
    """Return what a mute is held against: a rule's signal belongs to the page that shows it."""
    signal = REGISTRY.signals.get(source.removeprefix(OF_SIGNAL)) if room == SIGNALS else None
    return muting.Thing(id=name, room=signal.room if signal is not None and signal.room else room)


def sources(room: str) -> list[str]:
    """Return the sources of alerts on signals that belong to a page."""
    return [f"{OF_SIGNAL}{signal.name}" for signal in REGISTRY.signals.values() if signal.room == room]


def _standing(look: Look, actor: access.Actor) -> list[muting.Thing]:
    up = look.row.alerts.filter(ended_at=None).values_list("thing", "room", "source", "topics")[:STANDING_MAX]
    return [
        thing(name, room=room, source=source)
        for name, room, source, topics in up
        if not look.is_partial or incidents.sees_all(actor, topics)
    ]


def value(row: Mute) -> muting.Mute:
    """Return what a mute covers, as the rules of muting look at it."""
    return muting.Mute(covers=muting.Covers(row.covers), of=row.of)


def one(number: int) -> Mute:
    """Return a mute; raises ``NoSuchMute``."""
    found = Mute.objects.filter(pk=number).first()
    if found is None:
        raise NoSuchMute
    return found
