"""Histories, and what they amount to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from django.db import connection

from reliability.kernel.errors import Refused
from sagas.domain import codec, folding, state
from sagas.domain.history import Event, Kind, Side
from sagas.domain.state import Saga
from sagas.queries import prepared

ENTRIES_AT_A_TIME = 1000

_SNAPSHOT = "SELECT version, state FROM sagas_snapshot WHERE saga_id = %s"
_EVENTS = """
SELECT version, kind, at, step, side, attempt, data, actor FROM sagas_event
WHERE saga_id = %s AND version > %s ORDER BY version LIMIT %s
"""


_NEWEST = """
SELECT version, kind, at, step, side, attempt, data, actor FROM sagas_event
WHERE saga_id = %s ORDER BY version DESC LIMIT %s
"""


class NoSuchSaga(Refused):
    """There is no such saga."""

    code = "not-found"
    status = 404


def load(saga_id: UUID, *, whole: bool = False) -> Saga:
    """Return the saga's state; ``whole`` reads the history from its beginning, without looking for a snapshot.

    Raises ``NoSuchSaga``, and ``IllegalEvent`` for a history that cannot have happened.
    """
    snapshot = None if whole else _one(_SNAPSHOT, [saga_id])
    saga = state.from_json(codec.unpacked(snapshot[1])) if snapshot else None
    for _, event in events(saga_id, after=saga.version if saga else 0):
        saga = folding.apply(saga, event) if saga is not None else folding.begin(str(saga_id), event)
    if saga is None:
        raise NoSuchSaga(f"There is no saga {saga_id}.")
    return saga


def load_at(saga_id: UUID, version: int) -> Saga:
    """Return the state that the history had with its first ``version`` entries; raises ``IllegalEvent``."""
    return folding.fold(str(saga_id), (event for number, event in events(saga_id) if number <= version))


def page(saga_id: UUID, *, after: int, limit: int) -> list[tuple[int, Event]]:
    """Return at most ``limit`` entries behind number ``after``, with their numbers."""
    return [(row[0], _event(row)) for row in _all(_EVENTS, [saga_id, after, limit])]


def events(saga_id: UUID, *, after: int = 0) -> Iterator[tuple[int, Event]]:
    """Yield the entries after number ``after`` with their numbers, read in parts."""
    while True:
        rows = _all(_EVENTS, [saga_id, after, ENTRIES_AT_A_TIME])
        for row in rows:
            yield row[0], _event(row)
        if len(rows) < ENTRIES_AT_A_TIME:
            return
        after = rows[-1][0]


def _event(row: Sequence[Any]) -> Event:
    _, kind, at, step, side, attempt, data, actor = row
    return Event(
        kind=Kind(kind),
        at=at,
        step=step,
        side=Side(side) if side else Side.DO,
        attempt=attempt,
        data=codec.unpacked(data),
        actor=actor,
    )


def database_now() -> datetime:
    """Return the database's clock, the one by which claims are made."""
    ((now,),) = _all("SELECT clock_timestamp()", [])
    return now  # type: ignore[no-any-return]  # a column's value


def _one(statement: str, values: Sequence[UUID | int]) -> Sequence[Any] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: Sequence[Any] | None = cursor.fetchone()
    return found


def _all(statement: LiteralString, values: Sequence[UUID | int]) -> list[Sequence[Any]]:
    with prepared.execute(statement, values) as cursor:
        return list(cursor.fetchall())


def newest(saga_id: UUID, *, limit: int) -> list[tuple[int, Event]]:
    """Return the last ``limit`` entries in their order."""
    return [(row[0], _event(row)) for row in reversed(_all(_NEWEST, [saga_id, limit]))]
