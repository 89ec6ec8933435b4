"""Events that sagas wait for: each is taken once, however often it is told, and however early it comes."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from reliability.kernel import text
from reliability.kernel.errors import MainstayError, Permanent
from sagas.domain import codec, deciding, folding
from sagas.domain.definition import EVENT_CHARACTERS_MAX
from sagas.domain.history import Event, Kind
from sagas.domain.state import Effect, Parked, Saga, Status
from sagas.operations import claims, journal, waking
from sagas.queries import histories

KEPT_DAYS: Final = 30  # an event nobody waited for is looked at by a person, or not at all
ID_CHARACTERS_MAX: Final = 300

_SERIALISE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 7301))"
_INSERT = """
INSERT INTO sagas_signal (definition, key, event, event_id, payload, at)
VALUES (%s, %s, %s, %s, %s, clock_timestamp())
ON CONFLICT (definition, key, event, event_id) DO NOTHING
"""
_TAKE = """
UPDATE sagas_signal SET taken_at = clock_timestamp()
WHERE id = (
    SELECT id FROM sagas_signal WHERE definition = %s AND key = %s AND event = %s AND taken_at IS NULL
    ORDER BY id LIMIT 1
)
RETURNING event_id, payload
"""
_FIND = "SELECT id FROM sagas_saga WHERE definition = %s AND key = %s"
_SWEEP = """
DELETE FROM sagas_signal WHERE id IN (
    SELECT id FROM sagas_signal WHERE at < clock_timestamp() - make_interval(days => %s) ORDER BY id LIMIT 1000
)
"""


class Told(StrEnum):
    """What became of an event that was told."""

    TAKEN = "taken"  # its saga waited for it and goes on
    KEPT = "kept"  # nothing waits for it yet
    TWICE = "twice"  # it was told before


class WrongSignal(Permanent):
    """An event for a saga has a name and an id."""


class NotInTransaction(MainstayError):
    """An event is told inside a transaction: with the note that it was read, or not at all."""


def tell(definition: str, *, key: str, event: str, event_id: str, payload: object = None) -> Told:
    """Tell the saga of ``definition`` and ``key`` that ``event`` happened, inside the caller's transaction.

    ``event_id`` makes it the same event when it is told again. An event for a saga that does not wait for it, or is not
    there, is kept: a saga that comes to wait for it takes it at once. Raises ``NotInTransaction``, ``WrongSignal`` and
    ``codec.NotStorable``.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction
    for what, value, limit in (("event", event, EVENT_CHARACTERS_MAX), ("event_id", event_id, ID_CHARACTERS_MAX)):
        if not value or len(value) > limit or not text.is_storable(value):
            raise WrongSignal(f"{what} is {text.printable(value, limit=60)!r}: 1 to {limit} characters, and no NUL")
    if not text.is_storable(key):
        raise WrongSignal(f"{text.printable(key, limit=60)!r} is no key")
    serialise(definition, key)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [definition, key, event, event_id, codec.packed(payload)])
        if not cursor.rowcount:
            return Told.TWICE
        cursor.execute(_FIND, [definition, key])
        found = cursor.fetchone()
    return Told.TAKEN if found is not None and _deliver(found[0]) else Told.KEPT


def serialise(definition: str, key: str) -> None:
    """Inside a transaction: take turns with whoever tells, or begins to wait for, an event of this key.

    Else an event could be told and a wait begun at the same time, each without seeing the other.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SERIALISE, [f"{definition}/{key}"])


def take(saga: Saga, *, now: datetime) -> Event | None:
    """Take the oldest event that the saga waits for; None when there is none. Inside the transaction that writes it."""
    step = saga.forward
    if step is None or not _waits(saga):
        return None
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [saga.definition, saga.key, step.event])
        found = cursor.fetchone()
    if found is None:
        return None
    data = {"event": step.event, "event_id": found[0], "payload": codec.unpacked(found[1])}
    return Event(kind=Kind.ARRIVED, at=now, step=step.name, data=data)


def sweep() -> int:
    """Forget events past their time; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(_SWEEP, [KEPT_DAYS])
        return int(cursor.rowcount)


def _deliver(saga_id: UUID) -> bool:
    locked = claims.lock(saga_id)
    if locked is None:
        return False
    saga = histories.load(saga_id)
    now = histories.database_now()
    arrived = take(saga, now=now)
    if arrived is None:
        return False
    after = folding.apply(saga, arrived)
    look_at = deciding.due_at(after, now=now)
    journal.append(after, [arrived], fence=locked[0], look_at=look_at, new_fence=True)
    transaction.on_commit(waking.wake, robust=True)
    return True


def _waits(saga: Saga) -> bool:
    step = saga.forward
    if step is None or not step.waits:
        return False
    if saga.status is Status.NEEDS_OPERATOR:
        return saga.parked == Parked.EVENT_MISSING
    return saga.status is Status.RUNNING and saga.state_of(step.name).do.effect is Effect.AWAITING
