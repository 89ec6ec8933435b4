"""Making the rows of lists, and the snapshots, anew from the histories."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.db import transaction

from sagas.domain import projection
from sagas.models import Saga, Snapshot
from sagas.operations import claims
from sagas.queries import histories


def rebuild(saga_id: UUID) -> bool:
    """Make one saga's row anew and drop its snapshot; return False if there is no such saga.

    Raises ``IllegalEvent`` for a history that cannot have happened: then nothing is changed.
    """
    with transaction.atomic():
        if claims.lock(saga_id) is None:
            return False
        saga = histories.load(saga_id, whole=True)
        columns = projection.columns(saga)
        look_at = columns["due_at"] if saga.busy is None else saga.changed_at  # a try that runs is looked at soon
        Saga.objects.filter(id=saga_id).update(**columns, look_at=look_at, started_at=saga.started_at)
        Snapshot.objects.filter(saga_id=saga_id).delete()
    return True


def ids(*, only: UUID | None = None) -> Iterator[UUID]:
    """Yield the ids of all sagas, in a memory that does not grow with their number."""
    rows = Saga.objects.order_by("id") if only is None else Saga.objects.filter(id=only)
    yield from rows.values_list("id", flat=True).iterator(chunk_size=1000)
