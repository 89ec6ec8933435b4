"""Messages as somebody may see them: those about hidden incidents are not there, and none names what is hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reliability import access
from reliability.alerts.domain.message import veiled
from reliability.alerts.models import Delivery
from reliability.alerts.queries import channels, incidents
from reliability.alerts.queries.walking import walked

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Messages, the newest first; ``next`` is where the next page begins, None at the end."""

    items: Sequence[Delivery]
    next: int | None


def page(
    *, actor: access.Actor, state: str = "", channel: str = "", before: int | None = None, limit: int = PAGE
) -> Page:
    """Return the newest messages, to all channels or one; ``before`` is the ``next`` of the page before.

    Raises ``NoSuchChannel`` for one that neither is nor has been. Messages are in the order in which they were
    written: one that is sent again keeps its place.
    """
    rows = Delivery.objects.select_related("incident")
    if state:
        rows = rows.filter(state=state)
    if channel:
        if channel not in channels.names() and not Delivery.objects.filter(channel=channel).exists():
            channels.one(channel)
        rows = rows.filter(channel=channel)
    found, more = walked(rows, before=before, limit=limit, see=_Eyes(actor))
    return Page(items=found, next=more)


def one(number: int, *, actor: access.Actor) -> Delivery:
    """Return a message; raises ``NoSuchDelivery``, also for one about an incident of which all is hidden."""
    row = Delivery.objects.select_related("incident").filter(pk=number).first()
    shown = _Eyes(actor)(row) if row is not None else None
    if shown is None:
        raise incidents.NoSuchDelivery(f"There is no message {number}.")
    return shown


class _Eyes:
    """Shows messages to one actor; each incident is looked at once."""

    def __init__(self, actor: access.Actor) -> None:
        self._actor = actor
        self._looks: dict[int, incidents.Look | None] = {}

    def __call__(self, row: Delivery) -> Delivery | None:
        if row.incident is None or self._actor.scopes.is_everything:
            return row
        if row.incident.pk not in self._looks:
            self._looks[row.incident.pk] = incidents.seen(row.incident, actor=self._actor)
        look = self._looks[row.incident.pk]
        if look is not None and look.is_partial:
            row.body = veiled(row.body)
        return row if look is not None else None
