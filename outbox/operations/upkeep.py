"""Keeps the event table's partitions: new ones ahead of the writers, old ones away when nobody needs them.

``CREATE TABLE .. PARTITION OF`` and ``DROP`` of an attached partition stop every append while one writer is open; so
new ones are made apart and attached, old ones detached concurrently first. Every statement gives up on a lock early.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import errors, sql

from outbox.operations import retention

log = structlog.get_logger(__name__)

PARTITION_ROWS = 2_000_000  # at 1,000 events/s one in half an hour; about 1 GB of small events, dropped as a whole
AHEAD = 4  # minutes of warning at the highest rates, before appends fail for want of a partition
LOCK_TIMEOUT = "2s"  # an append must not queue behind maintenance for longer
RETENTION_S = 3 * 86_400.0  # sent events are kept this long, to be looked at and published again
_LOCK = 0x6F757462  # "outb": two upkeeps at once would make the same partition

_PARTITIONS = """
SELECT c.relname, (regexp_match(bound, $$FROM \\('?(\\d+)'?\\)$$))[1]::bigint,
       (regexp_match(bound, $$TO \\('?(\\d+)'?\\)$$))[1]::bigint, i.inhdetachpending
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     CROSS JOIN LATERAL pg_get_expr(c.relpartbound, c.oid) AS bound
WHERE i.inhparent = 'outbox_event'::regclass ORDER BY 2
"""
# Of each shard, whether the newest transaction in the partition lies behind everything the shard may still read.
_DONE = """
SELECT coalesce(bool_and(newest.xid IS NULL OR newest.xid < pg_snapshot_xmin(s.snapshot::pg_snapshot)), true)
FROM outbox_shard s LEFT JOIN LATERAL
     (SELECT xid FROM {partition} e WHERE e.shard = s.id ORDER BY xid DESC LIMIT 1) AS newest ON true
"""
# Left behind by an upkeep that died between detaching and dropping; the constraint is what detaching left on it.
_DETACHED = """
SELECT c.relname, (regexp_match(bound, $$id >= '?(\\d+)$$))[1]::bigint,
       (regexp_match(bound, $$id < '?(\\d+)$$))[1]::bigint, false
FROM pg_class c JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'c'
     CROSS JOIN LATERAL pg_get_constraintdef(k.oid) AS bound
WHERE c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'outbox_event'::regclass)
  AND c.relname ~ '^outbox_event_from_\\d+$' AND NOT c.relispartition ORDER BY 2
"""
_WRITERS = "SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND mode = 'RowExclusiveLock'"
_PARKED = """
SELECT (SELECT count(*) FROM outbox_parked WHERE event >= %(start)s AND event < %(end)s)
     + (SELECT count(*) FROM outbox_waiting WHERE event >= %(start)s AND event < %(end)s)
"""
_RECENT = "SELECT max(id) IS NOT NULL FROM {partition} WHERE created_at > clock_timestamp() - make_interval(secs => %s)"


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition: ids from ``start`` to below ``end``. ``leaving``: a detach was begun and not finished."""

    name: str
    start: int
    end: int
    leaving: bool

    @property
    def quoted(self) -> sql.Identifier:
        return sql.Identifier(self.name)


def keep_up() -> None:
    """Make partitions ahead, take old ones away, delete receipts and log rows past their time. Any number may run."""
    with _alone() as connection:
        if connection is None:
            return
        try:
            make_ahead(connection)
            take_away_old(connection)
        except (errors.LockNotAvailable, errors.QueryCanceled) as error:
            log.info("outbox_upkeep_postponed", error=str(error))
    retention.sweep()


def partitions(connection: psycopg.Connection[Any]) -> list[Partition]:
    """Return the partitions in order of id."""
    return [Partition(*row) for row in connection.execute(_PARTITIONS).fetchall()]


def make_ahead(connection: psycopg.Connection[Any], *, rows: int | None = None) -> list[str]:
    """Create what is missing of ``AHEAD`` empty partitions; return their names. ``rows``: ids in each."""
    known = partitions(connection)
    row = connection.execute("SELECT last_value FROM outbox_event_id").fetchone()
    last_id = int(row[0]) if row else 0
    missing = AHEAD - sum(1 for partition in known if partition.start > last_id)
    start = max((partition.end for partition in known), default=0)
    made = []
    for _ in range(max(0, missing)):
        end = start + (rows or int(getattr(settings, "OUTBOX_PARTITION_ROWS", PARTITION_ROWS)))
        made.append(_make(connection, start, end))
        start = end
    return made


def _make(connection: psycopg.Connection[Any], start: int, end: int) -> str:
    name = f"outbox_event_from_{start}"
    with connection.transaction():
        for statement in (
            "CREATE TABLE {name} (LIKE outbox_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS)",
            "ALTER TABLE outbox_event ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})",
        ):
            connection.execute(
                sql.SQL(statement).format(name=sql.Identifier(name), start=sql.Literal(start), end=sql.Literal(end))
            )
    log.info("outbox_partition_made", name=name, start=start, end=end)
    return name


def take_away_old(connection: psycopg.Connection[Any], *, retention_s: float | None = None) -> list[str]:
    """Detach and drop old partitions, of whose events none is parked or unsent; return their names. Oldest first."""
    kept_s = retention_s if retention_s is not None else getattr(settings, "OUTBOX_RETENTION_S", RETENTION_S)
    row = connection.execute("SELECT last_value FROM outbox_event_id").fetchone()
    last_id = int(row[0]) if row else 0
    taken = [name for partition in _detached(connection) for name in _drop(connection, partition)]
    for partition in partitions(connection):
        if partition.leaving:
            _execute(connection, "ALTER TABLE outbox_event DETACH PARTITION {} FINALIZE", partition)
        elif partition.end > last_id or not _is_over(connection, partition, float(kept_s)):
            break
        else:
            _execute(connection, "ALTER TABLE outbox_event DETACH PARTITION {} CONCURRENTLY", partition)
        dropped = _drop(connection, partition)
        if not dropped:
            break
        taken += dropped
    return taken


def _detached(connection: psycopg.Connection[Any]) -> list[Partition]:
    return [Partition(*row) for row in connection.execute(_DETACHED).fetchall()]


def _drop(connection: psycopg.Connection[Any], partition: Partition) -> list[str]:
    """Drop a detached partition; or attach it again, if a writer that drew its id long ago came after all."""
    if not _is_done(connection, partition):
        _attach_again(connection, partition)
        return []
    _execute(connection, "DROP TABLE {}", partition)
    log.info("outbox_partition_dropped", name=partition.name)
    return [partition.name]


def _is_over(connection: psycopg.Connection[Any], partition: Partition, kept_s: float) -> bool:
    recent = connection.execute(sql.SQL(_RECENT).format(partition=partition.quoted), [kept_s]).fetchone()
    if recent is None or recent[0]:
        return False
    return _is_done(connection, partition)


def _is_done(connection: psycopg.Connection[Any], partition: Partition) -> bool:
    """Whether every event in it, and every one that may still be committed into it, is sent and not parked.

    Writers first: one that is open when asked may have rows that the second question does not see.
    """
    writers = connection.execute(_WRITERS, [partition.name]).fetchone()
    done = connection.execute(sql.SQL(_DONE).format(partition=partition.quoted)).fetchone()
    parked = connection.execute(_PARKED, {"start": partition.start, "end": partition.end}).fetchone()
    return bool(writers and not writers[0] and done and done[0] and parked and not parked[0])


def _attach_again(connection: psycopg.Connection[Any], partition: Partition) -> None:
    statement = sql.SQL("ALTER TABLE outbox_event ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})")
    connection.execute(statement.format(partition.quoted, sql.Literal(partition.start), sql.Literal(partition.end)))
    log.warning("outbox_partition_kept", name=partition.name, reason="events were committed into it late")


def _execute(connection: psycopg.Connection[Any], statement: str, partition: Partition) -> None:
    connection.execute(sql.SQL(statement).format(partition.quoted))


@contextmanager
def _alone() -> Iterator[psycopg.Connection[Any] | None]:
    """A connection of its own (concurrent detaching cannot stand in a transaction), or None when another is at it."""
    wrapper = connections.create_connection(DEFAULT_DB_ALIAS)
    try:
        wrapper.ensure_connection()
        connection: psycopg.Connection[Any] = wrapper.connection
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK]).fetchone()
        if row is None or not row[0]:
            yield None
            return
        try:
            connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
            yield connection
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
            connection.execute("RESET lock_timeout")
    finally:
        wrapper.close()
