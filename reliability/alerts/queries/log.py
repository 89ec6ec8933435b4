"""The log of messages as somebody may read it: none names what is hidden, none is about what is wholly hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reliability import access
from reliability.alerts.domain.message import veiled
from reliability.alerts.models import Delivery
from reliability.alerts.queries import channels, incidents
from reliability.alerts.queries.walking import walked

PAGE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A message, without what names things in its text when some are hidden; then ``title`` is ""."""

    row: Delivery
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Messages, the newest first; ``next`` is where the next page begins, None at the end."""

    items: Sequence[Line]
    next: int | None


def page(
    *, actor: access.Actor, channel: str = "", state: str = "", before: int | None = None, limit: int = PAGE
) -> Page:
    """Return a page of the log; ``before`` is the ``next`` of the page before.

    Messages are in the order in which they were written: one that is sent again keeps its place.
    """
    rows = Delivery.objects.select_related("incident")
    if channel:
        rows = rows.filter(channel=channel)
    if state:
        rows = rows.filter(state=state)
    found, more = walked(rows, before=before, limit=limit, see=_Eyes(actor))
    return Page(items=found, next=more)


def one(number: int, *, actor: access.Actor) -> Line:
    """Return a message; raises ``NoSuchDelivery``, also for one about an incident of which all is hidden."""
    row = Delivery.objects.select_related("incident").filter(pk=number).first()
    line = _Eyes(actor)(row) if row is not None else None
    if line is None:
        raise incidents.NoSuchDelivery(f"There is no message {number}.")
    return line


def check_channel(name: str) -> None:
    """Raise ``NoSuchChannel`` for a channel that the settings do not name and that no message was for."""
    if name not in channels.names() and not Delivery.objects.filter(channel=name).exists():
        channels.one(name)


class _Eyes:
    """Shows messages to one actor; each incident is looked at once."""

    def __init__(self, actor: access.Actor) -> None:
        self._actor = actor
        self._looks: dict[int, incidents.Look | None] = {}

    def __call__(self, row: Delivery) -> Line | None:
        title = str(row.body.get("title", ""))
        if row.incident is None or self._actor.scopes.is_everything:
            return Line(row=row, title=title)
        if row.incident.pk not in self._looks:
            self._looks[row.incident.pk] = incidents.seen(row.incident, actor=self._actor)
        look = self._looks[row.incident.pk]
        if look is None:
            return None
        if look.is_partial:
            row.body = veiled(row.body)
        return Line(row=row, title="" if look.is_partial else title)
