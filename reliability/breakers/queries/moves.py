"""A breaker's transitions and traffic as they were written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from reliability.breakers.domain.looks import Part
from reliability.breakers.models import Traffic, Transition
from reliability.breakers.queries.wall import part_of

PAGE: Final = 30
DRY_RUN_OF: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some transitions, newest first; ``next`` names the one behind which the next page begins, None at the end."""

    rows: Sequence[Transition]
    next: int | None


def moves(name: str, *, after: int = 0, limit: int = PAGE) -> Page:
    """Return a breaker's transitions, newest first."""
    rows = Transition.objects.filter(breaker=name)
    if after:
        rows = rows.filter(id__lt=after)
    found = list(rows.order_by("-id")[: limit + 1])
    return Page(rows=found[:limit], next=found[limit - 1].id if len(found) > limit else None)


def since(at: datetime, limit: int) -> list[Transition]:
    """Return the transitions of all breakers since then, newest first."""
    return list(Transition.objects.filter(at__gte=at).order_by("-at", "-id")[:limit])


def recorded(name: str, *, now: datetime, of: timedelta = DRY_RUN_OF) -> list[Part]:
    """Return a breaker's traffic of the last while, oldest first."""
    return [part_of(row) for row in Traffic.objects.filter(breaker=name, at__gte=now - of).order_by("at")]
