"""The list of acts in bulk, the newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from reliability import access
from reliability.console.views.acts import told
from reliability.live import fragment
from sagas.domain.batching import State
from sagas.operations.batches import repairs, saga_acts
from sagas.queries import batches as queries
from sagas.views.batches import progress
from sagas.views.batches.looks import LOOKS

if TYPE_CHECKING:
    from sagas.models import Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A batch as the table shows it."""

    batch: Batch
    name: str
    concerned: str
    asked: str
    shown: progress.Shown


@require_safe
@access.requires("sagas.view")
@told
def page(request: HttpRequest) -> HttpResponse:
    """Every bulk act on sagas, and on findings for who sees these; plans that nobody started yet too."""
    before = _id(request.GET.get("before", ""))
    kinds = [saga_acts.NAME, *([repairs.NAME] if access.may(access.actor_of(request), "reconcile.view") else [])]
    found = queries.page(kinds=kinds, before=before)
    rows = [_row(each) for each in found.rows]
    context = {"title": "Bulk acts", "rows": rows, "before": before, "older": found.next}
    seen = [(str(row.batch.id), row.batch.state, row.shown.line) for row in rows]
    return fragment.page(request, "sagas/batches.html", context, regions={"rows": seen})


def _row(listed: queries.Listed) -> Row:
    batch, look = listed.batch, LOOKS[listed.batch.kind]
    return Row(
        batch=batch,
        name=look.name(batch.what),
        concerned=look.kind.counted(listed.counts.total),
        asked=look.asked(batch.filter),
        shown=progress.shown(State(batch.state), listed.counts),
    )


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
