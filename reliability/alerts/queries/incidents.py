"""Incidents as somebody may see them: the alerts of topics outside an account's scopes are not there for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db.models import Count, Q

from reliability import access
from reliability.alerts.domain.message import VEIL, Thing, title_of, veiled
from reliability.alerts.domain.rule import SEVERITIES
from reliability.alerts.models import Alert, Delivery, Happening, Incident
from reliability.alerts.models.deliveries import State
from reliability.alerts.queries.walking import walked
from reliability.console.domain.pages import HOUSE, WORK
from reliability.kernel.errors import Refused

URL: Final = "/alerts/"
PAGE: Final = 50
ALERTS_SHOWN: Final = 100
DELIVERIES_SHOWN: Final = 200
HAPPENINGS_SHOWN: Final = 200
_TITLES: Final = {page.slug: page.title for page in (*WORK, *HOUSE)} | {"signals": "signals"}


class NoSuchIncident(Refused):
    """There is no such incident."""

    code = "no-such-incident"
    status = 404


class NoSuchDelivery(Refused):
    """There is no such message."""

    code = "no-such-delivery"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """An incident as somebody sees it. ``is_partial``: some of its alerts are of topics that are hidden from them."""

    row: Incident
    title: str
    count: int
    severity: str
    is_partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Incidents that are over, the newest first; ``next`` is where the next page begins, None at the end."""

    items: Sequence[Look]
    next: int | None


def room_title(room: str) -> str:
    """Return what a room is called."""
    return _TITLES.get(room, room)


def url_of(number: int) -> str:
    """Return the address of an incident's page."""
    return f"{URL}incidents/{number}/"


def absolute(path: str) -> str:
    """Return an address that works from elsewhere; "" when the console was not told its own."""
    own = getattr(settings, "MAINSTAY_URL", "")
    return f"{own}{path}" if own and path.startswith("/") else ""


def dedup_key(incident: Incident) -> str:
    """Return what all messages about an incident have in common; another installation's are others."""
    name = getattr(settings, "MAINSTAY_ENVIRONMENT_NAME", "")
    return f"mainstay/{name}/{incident.pk}-{incident.opened_at:%Y%m%d%H%M%S}"


def active(*, actor: access.Actor) -> list[Look]:
    """Return the incidents that are open, the worst first, then the oldest."""
    rows = Incident.objects.filter(resolved_at=None)
    found = [look for row in rows if (look := seen(row, actor=actor)) is not None]
    return sorted(found, key=lambda each: (-SEVERITIES.index(each.severity), each.row.opened_at, each.row.pk))


def over(*, actor: access.Actor, before: int | None = None, limit: int = PAGE) -> Page:
    """Return those that are over, the newest first; ``before`` is the ``next`` of the page before."""
    rows = Incident.objects.exclude(resolved_at=None)
    found, more = walked(rows, before=before, limit=limit, see=lambda row: seen(row, actor=actor))
    return Page(items=found, next=more)


def one(number: int, *, actor: access.Actor) -> Look:
    """Return an incident; raises ``NoSuchIncident``, also for one of which all is hidden."""
    row = Incident.objects.filter(pk=number).first()
    look = seen(row, actor=actor) if row is not None else None
    if look is None:
        raise NoSuchIncident(f"There is no incident {number}.")
    return look


def seen(row: Incident, *, actor: access.Actor) -> Look | None:
    """Return an incident as somebody sees it; None: all of it is hidden from them."""
    if sees_all(actor, row.topics):
        return Look(row=row, title=row.title, count=row.count, severity=row.severity)
    open_to = [each for each in row.alerts.order_by("began_at", "id") if sees_all(actor, each.topics)]
    if not open_to:
        return None
    up = [each for each in open_to if each.ended_at is None]
    shown = up or open_to
    title = title_of([Thing(title=each.title) for each in shown], count=len(shown), room="")
    severity = max((each.severity for each in shown), key=SEVERITIES.index)
    return Look(row=row, title=title, count=len(up), severity=severity, is_partial=True)


def sees_all(actor: access.Actor, topics: Iterable[str]) -> bool:
    """Whether somebody may see all of these topics; a thing of no topic is for everybody."""
    return actor.scopes.is_everything or all(actor.scopes.allows(topic) for topic in topics)


def alerts(look: Look, *, actor: access.Actor) -> tuple[list[Alert], int]:
    """Return the alerts of an incident, those that are up first, and how many are not shown."""
    rows = look.row.alerts.order_by("ended_at", "began_at", "id")
    if not look.is_partial:
        shown = list(rows.filter(ended_at=None)[:ALERTS_SHOWN])
        shown += list(rows.exclude(ended_at=None).order_by("-ended_at", "id")[: ALERTS_SHOWN - len(shown)])
        return shown, rows.count() - len(shown)
    seen = [each for each in rows if sees_all(actor, each.topics)]
    seen.sort(key=lambda each: each.ended_at is not None)
    return seen[:ALERTS_SHOWN], max(0, len(seen) - ALERTS_SHOWN)


def happenings(look: Look) -> list[Happening]:
    """Return what happened to an incident, the newest first; without texts that may name what is hidden."""
    rows = list(look.row.happenings.order_by("-id")[:HAPPENINGS_SHOWN])
    for row in rows:
        if look.is_partial and row.kind in ("opened", "joined"):
            row.text = VEIL
    return rows


def deliveries(look: Look) -> list[Delivery]:
    """Return the messages about an incident, the newest first; without titles that may name what is hidden."""
    rows = list(look.row.deliveries.order_by("-id")[:DELIVERIES_SHOWN])
    for row in rows:
        row.body = veiled(row.body) if look.is_partial else row.body
    return rows


def deaf(row: Incident) -> list[str]:
    """Return the channels that messages about an incident were written for and that have taken none of them."""
    taken = Count("id", filter=Q(state=State.SENT))
    found = row.deliveries.order_by("channel").values_list("channel").annotate(taken=taken)
    return [channel for channel, count in found if not count]


def rooms() -> list[str]:
    """Return the slugs of the pages that things belong to; those of processes are on the settings' page."""
    return [page.slug for page in WORK] + ["settings"]


def is_room(slug: str) -> bool:
    """Whether things may belong to a page of this slug."""
    return slug in rooms()
