"""Writing entries down: the history, and the row that follows from it, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection

from reliability.console import registry
from sagas.domain import codec, projection, state
from sagas.domain.history import Event
from sagas.domain.state import Saga, Status
from sagas.queries import prepared

SNAPSHOT_EVERY: Final = 50
"""Entries between two snapshots: so many are read at most, and most sagas never have one."""

_COLUMNS: Final = (
    "status", "rank", "direction", "step", "side", "effect", "attempts", "waits_for", "parked", "reason", "error",
    "late", "version", "due_at", "deadline", "changed_at", "ended_at",
)  # fmt: skip

# Only the holder of the fence writes, and only behind the entry that it knew as the last one.
_APPEND: Final = f"""
WITH kept AS (
    UPDATE sagas_saga
    SET {", ".join(f"{name} = %({name})s" for name in _COLUMNS)},
        look_at = CASE WHEN %(keep)s THEN look_at ELSE %(look_at)s END,
        worker = CASE WHEN %(keep)s THEN worker ELSE %(worker)s END,
        fence = fence + %(step_fence)s, claims = 0
    WHERE id = %(id)s AND fence = %(fence)s AND version = %(before)s
        AND (%(holder)s::text IS NULL OR worker = %(holder)s)
    RETURNING id
)
INSERT INTO sagas_event (saga_id, version, at, kind, step, side, attempt, data, actor, fence)
SELECT kept.id, entry.version, entry.at, entry.kind, entry.step, entry.side, entry.attempt, entry.data, entry.actor,
       %(fence)s
FROM kept, unnest(%(versions)s::int[], %(ats)s::timestamptz[], %(kinds)s::text[], %(steps)s::text[],
                  %(sides)s::text[], %(attempts_of)s::int[], %(datas)s::text[], %(actors)s::text[])
     AS entry (version, at, kind, step, side, attempt, data, actor)
"""  # noqa: S608 - the names of columns, from above
_SNAPSHOT: Final = """
INSERT INTO sagas_snapshot (saga_id, version, state) VALUES (%s, %s, %s)
ON CONFLICT (saga_id) DO UPDATE SET version = excluded.version, state = excluded.state
WHERE sagas_snapshot.version < excluded.version
"""


def append(
    saga: Saga,
    events: Sequence[Event],
    *,
    fence: int,
    look_at: datetime | None,
    worker: str = "",
    holder: str | None = None,
    new_fence: bool = False,
    keep: bool = False,
) -> bool:
    """Write ``events`` down, the last ones that led to ``saga``; return False if somebody else wrote in between.

    ``look_at``: when a worker looks next; a held saga's lease. ``holder``: the claim that writes, None for who has the
    row locked; ``worker``: who holds it from now on. ``new_fence``: whoever holds the saga loses it;
    ``keep``: whoever holds it goes on.
    """
    before = saga.version - len(events)
    values = projection.columns(saga) | {
        "id": saga.id,
        "fence": fence,
        "step_fence": 1 if new_fence else 0,
        "look_at": look_at,
        "worker": worker,
        "holder": holder,
        "keep": keep,
        "before": before,
        "versions": list(range(before + 1, saga.version + 1)),
        "ats": [event.at for event in events],
        "kinds": [str(event.kind) for event in events],
        "steps": [event.step for event in events],
        "sides": [str(event.side) if event.step else "" for event in events],
        "attempts_of": [event.attempt for event in events],
        "datas": [codec.packed(dict(event.data), bytes_max=None) for event in events],
        "actors": [event.actor for event in events],
    }
    with prepared.execute(_APPEND, values) as found:
        written = bool(found.rowcount)
    if written and saga.version // SNAPSHOT_EVERY > before // SNAPSHOT_EVERY:
        with connection.cursor() as cursor:
            cursor.execute(_SNAPSHOT, [UUID(saga.id), saga.version, codec.packed(state.as_json(saga), bytes_max=None)])
    if written and (saga.status in state.ENDED or saga.status is Status.NEEDS_OPERATOR):
        registry.touched("saga", [f"{saga.definition}/{saga.key}"], by="sagas")
    return written


def has(saga_id: UUID, version: int, event: Event, *, fence: int) -> bool:
    """Whether this very entry, written under this fence, stands at that place of the history."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM sagas_event WHERE (saga_id, version, kind, step, attempt, at, fence)"
            " = (%s, %s, %s, %s, %s, %s, %s)",
            [saga_id, version, str(event.kind), event.step, event.attempt, event.at, fence],
        )
        return cursor.fetchone() is not None
