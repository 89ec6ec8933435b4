"""Append events inside the caller's transaction: they are sent if, and only if, it commits."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from uuid import UUID

import psycopg
from django.db import connection, transaction

from outbox.domain.event import Event, TooLarge, checked, lock_number, shard_of, size_bytes
from outbox.operations import hints, limits
from reliability.kernel import text, wire
from reliability.kernel.errors import MainstayError
from reliability.kernel.record import Header
from reliability.kernel.telemetry import metrics, names, tracing

EVENTS_PER_CALL_MAX = 10_000  # bounds the arrays of one statement; a caller with more makes more calls

_LABEL_CHARACTERS_MAX = 200

_INSERT = """
INSERT INTO outbox_event (shard, event_id, topic, partition, timestamp_ms, key, value, headers, raw, receipt,
                          aggregate_type, aggregate_id, event_type)
SELECT shard, event_id, topic, partition, timestamp_ms, key, value, headers, raw, receipt,
       aggregate_type, aggregate_id, event_type
FROM unnest(%s::smallint[], %s::uuid[], %s::text[], %s::int[], %s::bigint[], %s::bytea[], %s::bytea[], %s::bytea[],
            %s::bool[], %s::bool[], %s::text[], %s::text[], %s::text[])
     WITH ORDINALITY AS e (shard, event_id, topic, partition, timestamp_ms, key, value, headers, raw, receipt,
                           aggregate_type, aggregate_id, event_type, place)
ORDER BY place
"""
_LOCK = "SELECT pg_advisory_xact_lock(number) FROM unnest(%s::bigint[]) AS number"


class NotInTransaction(MainstayError):
    """outbox.append needs an open transaction: an event must live or die with the change that it tells of."""


def append(
    *,
    topic: str,
    key: bytes | None = None,
    value: bytes | None = None,
    headers: Sequence[Header] = (),
    aggregate: tuple[str, str] | None = None,
    event_type: str = "",
    raw: bool = False,
    partition: int | None = None,
    timestamp_ms: int | None = None,
    receipt: bool = False,
    lock_key: bool = False,
    event_id: UUID | None = None,
) -> UUID:
    """Append one event and return its id; the arguments are those of ``outbox.domain.event.Event``.

    Raises ``NotInTransaction``, ``WrongEvent`` and ``TooLarge``. Never talks to Kafka, and to Redis only in passing.
    """
    event = Event(
        topic=topic,
        key=key,
        value=value,
        headers=tuple(headers),
        aggregate=aggregate,
        event_type=event_type,
        raw=raw,
        partition=partition,
        timestamp_ms=timestamp_ms,
        receipt=receipt,
        lock_key=lock_key,
        event_id=event_id,
    )
    return append_many([event])[0]


def append_many(events: Sequence[Event]) -> list[UUID]:
    """Append events in this order with one statement; return their ids. Raises what ``append`` raises."""
    if not connection.in_atomic_block:
        raise NotInTransaction
    if len(events) > EVENTS_PER_CALL_MAX:
        raise ValueError(f"{len(events)} events in one call; at most {EVENTS_PER_CALL_MAX}")
    if not events:
        return []
    trace = tuple(tracing.inject())
    rows = [_row(event, trace) for event in events]
    locks = sorted({lock_number(topic=e.topic, key=e.key) for e in events if e.lock_key and e.key is not None})
    # Django's own cursor would write the bytes into the statement as text, twice their size.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        if locks:
            cursor.execute(_LOCK, [locks])
        cursor.execute(_INSERT, [list(column) for column in zip(*rows, strict=True)])
    metrics.inc(names.OUTBOX_APPENDED, len(rows))
    transaction.on_commit(hints.give)
    return [row[1] for row in rows]


_Row = tuple[int, UUID, str, int | None, int | None, bytes | None, bytes | None, bytes, bool, bool, str, str, str]


def _row(event: Event, trace: tuple[Header, ...]) -> _Row:
    checked(event)
    event_id = event.event_id or uuid.uuid4()
    aggregate_type, aggregate_id = event.aggregate or ("", "")
    packed = wire.pack_headers(event.headers if event.raw else _with_trace(event.headers, trace))
    size, limit = size_bytes(key=event.key, value=event.value, packed_headers=packed), limits.of(event.topic)
    if size > limit:
        raise TooLarge(f"an event of {size:,} bytes for topic {event.topic}, which takes {limit:,}")
    return (
        shard_of(key=event.key, aggregate_id=aggregate_id, event_id=event_id),
        event_id,
        event.topic,
        event.partition,
        event.timestamp_ms,
        event.key,
        event.value,
        packed,
        event.raw,
        event.receipt,
        text.printable(aggregate_type, limit=_LABEL_CHARACTERS_MAX),
        text.printable(aggregate_id, limit=_LABEL_CHARACTERS_MAX),
        text.printable(event.event_type, limit=_LABEL_CHARACTERS_MAX),
    )


def _with_trace(headers: tuple[Header, ...], trace: tuple[Header, ...]) -> tuple[Header, ...]:
    """Add the current trace, unless the writer names one itself."""
    if not trace or any(name == trace[0][0] for name, _ in headers):
        return headers
    return headers + trace
