"""Starting a saga inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from reliability.kernel import text
from reliability.kernel.errors import MainstayError, Permanent
from reliability.kernel.telemetry import tracing
from sagas.domain import codec, folding, projection
from sagas.domain.definition import Definition
from sagas.domain.history import Event, Kind
from sagas.operations import ids, waking
from sagas.queries import histories, prepared

KEY_CHARACTERS_MAX = 200

_INSERT = """
WITH made AS (
    INSERT INTO sagas_saga (id, definition, definition_version, key, status, rank, direction, step, side, effect,
                            attempts, waits_for, parked, reason, error, late, version, due_at, deadline, started_at,
                            changed_at, ended_at, worker, fence, look_at, claims)
    VALUES (%(id)s, %(definition)s, %(definition_version)s, %(key)s, %(status)s, %(rank)s, %(direction)s, %(step)s,
            %(side)s, %(effect)s, %(attempts)s, %(waits_for)s, %(parked)s, %(reason)s, %(error)s, %(late)s, %(version)s,
            %(due_at)s, %(deadline)s, %(changed_at)s, %(changed_at)s, %(ended_at)s, '', 0, %(changed_at)s, 0)
    ON CONFLICT (definition, key) DO NOTHING
    RETURNING id
)
INSERT INTO sagas_event (saga_id, version, at, kind, step, side, attempt, data, actor, fence)
SELECT made.id, 1, %(changed_at)s, 'started', '', '', 0, %(data)s, '', 0 FROM made
"""
_FIND = "SELECT id FROM sagas_saga WHERE definition = %s AND key = %s"


class NotInTransaction(MainstayError):
    """A saga starts inside a transaction: with the change that it belongs to, or not at all."""


class WrongKey(Permanent):
    """A saga's key is a text that a person can search for, such as an order's number."""


def start(definition: Definition, *, key: str, data: Mapping[str, Any] | None = None) -> UUID:
    """Start a saga for ``key``, once, and return its id; a second start for the same key returns the first one's.

    It begins to run when the caller's transaction commits. Raises ``NotInTransaction``, ``WrongKey`` and
    ``codec.NotStorable``.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction
    if not key or len(key) > KEY_CHARACTERS_MAX or not key.isprintable() or not text.is_storable(key):
        raise WrongKey(f"{text.printable(key, limit=60)!r} is no key: 1 to {KEY_CHARACTERS_MAX} printable characters")
    now = histories.database_now()
    facts = {
        "definition": definition.name,
        "definition_version": definition.version,
        "key": key,
        "plan": definition.plan.as_json(),
        "deadline": (now + definition.timeout).isoformat(),
        "data": dict(codec.checked_result(data)),
        "trace": tracing.current_trace_id() or "",
    }
    saga_id = ids.new_id(now)
    begun = folding.begin(str(saga_id), Event(kind=Kind.STARTED, at=now, data=facts))
    values = projection.columns(begun) | {
        "id": saga_id,
        "definition": definition.name,
        "definition_version": definition.version,
        "key": key,
        "data": codec.packed(facts),
    }
    with prepared.execute(_INSERT, values) as inserted:
        is_new = bool(inserted.rowcount)
    if not is_new:
        with connection.cursor() as cursor:
            cursor.execute(_FIND, [definition.name, key])
            (saga_id,) = cursor.fetchone()
            return UUID(str(saga_id))
    transaction.on_commit(waking.wake, robust=True)
    return saga_id
