"""Comparisons as pages, the API and the command line tell of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sagas import reconciliations
from sagas.domain.reconciling.definition import Reconciliation
from sagas.domain.reconciling.outcome import Outcome
from sagas.models import Comparison

Row = Comparison
"""A comparison as it is stored, for those who show it."""
PAGE: Final = 50
LATE: Final = 3
"""So many times its own interval without a comparison is late; a short interval has a minute at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A reconciliation with its newest comparison that ended, and the one that runs or waits, if there is one."""

    defined: Reconciliation
    newest: Comparison | None
    under_way: Comparison | None
    is_late: bool

    @property
    def word(self) -> str:
        """How its newest comparison ended."""
        return self.newest.outcome if self.newest is not None else ""


def watched(*, now: datetime) -> list[Watched]:
    """Return every reconciliation that the code knows, by name."""
    return [_watched(each, now) for each in reconciliations.known()]


def _watched(defined: Reconciliation, now: datetime) -> Watched:
    rows = Comparison.objects.filter(reconciliation=defined.name).order_by("-id")
    ended = rows.filter(ended_at__isnull=False).exclude(outcome=Outcome.ABANDONED).first()
    under_way = rows.filter(outcome__in=[Outcome.ASKED, Outcome.RUNNING]).first()
    patience = max(defined.every.total_seconds() * LATE, 60.0)
    last = ended.ended_at if ended is not None else None
    first = Comparison.objects.filter(reconciliation=defined.name).order_by("id").first()
    since = last or (first.asked_at if first is not None else None)
    late = since is not None and (now - since).total_seconds() > patience
    return Watched(defined=defined, newest=ended, under_way=under_way, is_late=late)


def page(reconciliation: str = "", *, before: int = 0, limit: int = PAGE) -> tuple[Sequence[Comparison], int | None]:
    """Return comparisons, the newest first, and the number behind which the next page begins."""
    rows = Comparison.objects.order_by("-id")
    if reconciliation:
        rows = rows.filter(reconciliation=reconciliation)
    if before:
        rows = rows.filter(id__lt=before)
    found = list(rows[: limit + 1])
    return found[:limit], found[limit - 1].id if len(found) > limit else None
