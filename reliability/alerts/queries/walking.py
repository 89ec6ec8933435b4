"""Pages of rows, the newest first, of which somebody may not see all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)
Shown = TypeVar("Shown")
BATCHES_MAX: Final = 10
"""Batches that one page looks at: who sees next to nothing is not searched for through all that there is."""


def walked(
    rows: QuerySet[Row], *, before: int | None, limit: int, see: Callable[[Row], Shown | None]
) -> tuple[list[Shown], int | None]:
    """Return at most ``limit`` rows as ``see`` shows them, None for hidden ones, and the next page's ``before``.

    A page may hold fewer than ``limit`` rows, and even none, although there are more: then it says where to go on.
    """
    found: list[Shown] = []
    position, ordered = before, rows.order_by("-pk")
    for _ in range(BATCHES_MAX):
        batch = list((ordered if position is None else ordered.filter(pk__lt=position))[: limit + 1])
        for at, row in enumerate(batch[:limit], start=1):
            position = row.pk
            shown = see(row)
            if shown is not None:
                found.append(shown)
            if len(found) == limit:
                return found, position if at < len(batch) else None
        if len(batch) <= limit:
            return found, None
    return found, position
