"""The log of messages as somebody may read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reliability import access
from reliability.alerts.models import Delivery
from reliability.alerts.queries.incidents import sees_all

PAGE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A message; ``title`` is "" when it names what the reader may not see."""

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
    """Return a page of the log. Titles of incidents that are hidden, wholly or in part, are left out."""
    rows = Delivery.objects.select_related("incident").order_by("-id")
    if channel:
        rows = rows.filter(channel=channel)
    if state:
        rows = rows.filter(state=state)
    if before is not None:
        rows = rows.filter(id__lt=before)
    found = list(rows[: limit + 1])
    items = [Line(row=row, title=_title(row, actor)) for row in found[:limit]]
    return Page(items=items, next=found[limit - 1].pk if len(found) > limit else None)


def _title(row: Delivery, actor: access.Actor) -> str:
    if row.incident is None or sees_all(actor, row.incident.topics):
        return str(row.body.get("title", ""))
    return ""
