"""Comparing what is kept for lists and for speed with what the histories say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from reliability.kernel.errors import MainstayError
from sagas.domain import codec, projection, state
from sagas.models import Saga, Snapshot
from sagas.queries import histories

AT_A_TIME = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A column that does not hold what the history says, or a history that could not be read."""

    saga_id: UUID
    key: str
    column: str
    kept: str
    should_be: str


def differences(*, only: UUID | None = None) -> Iterator[Difference]:
    """Yield what differs, saga by saga, in a memory that does not grow with their number.

    A saga that changes between two reads is read again: only what stays different is told.
    """
    after: UUID | None = None
    while True:
        rows = Saga.objects.order_by("id")
        if only is not None:
            rows = rows.filter(id=only)
        if after is not None:
            rows = rows.filter(id__gt=after)
        found = list(rows.values_list("id", "key")[:AT_A_TIME])
        for saga_id, key in found:
            yield from _of(saga_id, key)
        if len(found) < AT_A_TIME:
            return
        after = found[-1][0]


def _of(saga_id: UUID, key: str) -> list[Difference]:
    told: list[Difference] = []
    for _ in range(3):
        row = Saga.objects.filter(id=saga_id).first()
        if row is None:
            return []
        told = _compared(row)
        if not told or Saga.objects.filter(id=saga_id, version=row.version, fence=row.fence).exists():
            return told
    return told


def _compared(row: Saga) -> list[Difference]:
    try:
        saga = histories.load(row.id, whole=True)
    except (MainstayError, KeyError, ValueError) as error:
        return [_difference(row, "history", "unreadable", str(error))]
    told = [
        _difference(row, name, getattr(row, name), value)
        for name, value in projection.columns(saga).items()
        if getattr(row, name) != value
    ]
    snapshot = Snapshot.objects.filter(saga_id=row.id).first()
    if snapshot is not None:
        at = histories.load_at(row.id, snapshot.version)
        if codec.packed(state.as_json(at), bytes_max=None) != snapshot.state:
            told.append(_difference(row, "snapshot", f"version {snapshot.version}", "another state"))
    return told


def _difference(row: Saga, column: str, kept: object, should_be: object) -> Difference:
    return Difference(saga_id=row.id, key=row.key, column=column, kept=str(kept), should_be=str(should_be))
