"""Reads the events of a window (A, B]: those that snapshot B shows and snapshot A does not, by id.

Nothing committed late is lost, and nothing of one key changes places: if a writer waited for another's lock, every
snapshot that shows its event shows the other's, which has the lower id. Reading "above the last id" or "below the
snapshot's xmin", the usual recipes, get one of the two wrong (tests/integration/outbox/test_reading.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.rows import RowMaker

from outbox.domain.planning import Row
from outbox.domain.snapshot import Snapshot
from reliability.kernel import clock

BATCH_ROWS_MAX = 10_000  # what is sent again, at most, after a crash
BATCH_BYTES_MAX = 16 * 1024 * 1024  # bounds the relay's memory, with the producer's queue
PROBE_ROWS = 2_000  # a window of up to this many rows, the usual case, takes one query
SORT_ROWS_MAX = 100_000  # a window of up to this many is sorted; a larger one is read along the primary key
CURSOR_ROWS_MAX = 100_000  # a cursor holds back vacuum in the whole database: closed after that many rows
CURSOR_S_MAX = 10.0  # or after this long
LARGE_BYTES = 64 * 1024  # rows above this are fetched one by one, so that a page of rows is never huge
_FETCH_ROWS = 1_000

_WINDOW = """
    shard = ANY(%(shards)s::smallint[]) AND id > %(after_id)s
    AND (xid >= %(a_xmax)s::xid8 AND xid < %(b_xmax)s::xid8 OR xid = ANY(%(a_running)s::xid8[]))
    AND pg_visible_in_snapshot(xid, %(b)s::pg_snapshot) AND NOT pg_visible_in_snapshot(xid, %(a)s::pg_snapshot)
"""
_SIZE = "octet_length(headers) + coalesce(octet_length(value), 0) + coalesce(octet_length(key), 0)"
_FIELDS = f"""
    SELECT id, shard, event_id::text, topic, partition, timestamp_ms,
           CASE WHEN {_SIZE} > {LARGE_BYTES} THEN NULL ELSE key END,
           CASE WHEN {_SIZE} > {LARGE_BYTES} THEN NULL ELSE value END,
           CASE WHEN {_SIZE} > {LARGE_BYTES} THEN NULL ELSE headers END, raw, receipt, {_SIZE},
           extract(epoch FROM created_at)::float
    FROM outbox_event
"""  # noqa: S608 - made of constants
_SELECT = f"{_FIELDS} WHERE {_WINDOW}"
_FIRST_WAITING = (
    "SELECT event FROM outbox_waiting WHERE shard = %(shard)s AND topic = %(topic)s ORDER BY event LIMIT %(limit)s"
)
_WAITING = f"{_FIELDS} WHERE id IN ({_FIRST_WAITING}) ORDER BY id"
_RELEASED = (
    f"{_FIELDS} WHERE id = ANY(%(events)s::bigint[])"  # noqa: S608 - made of constants
    " AND id NOT IN (SELECT event FROM outbox_parked WHERE shard = %(shard)s) ORDER BY id"
)
# Materialised, so that the planner cannot decide to walk all of history in order of id.
_PROBE = f"WITH found AS MATERIALIZED ({_SELECT} LIMIT %(probed)s) SELECT * FROM found ORDER BY id"  # noqa: S608
_COUNT = f"SELECT count(*) FROM (SELECT 1 FROM outbox_event WHERE {_WINDOW} LIMIT %(counted)s) AS rows"  # noqa: S608
_SORTED = f"WITH found AS MATERIALIZED ({_SELECT}) SELECT * FROM found ORDER BY id"  # noqa: S608
_ALONG_KEY = f"{_SELECT} ORDER BY id"
_LARGE = "SELECT key, value, headers FROM outbox_event WHERE id = %s"


class Source:
    """A connection for reading, separate from the one that records progress: a cursor lives in a transaction."""

    def __init__(self, *, time: clock.Clock = clock.SYSTEM) -> None:
        self._wrapper: BaseDatabaseWrapper | None = None
        self._time = time

    def snapshot(self) -> str:
        """Return the present snapshot, B; a statement of its own, because what is read with it must start after it."""
        with self._cursor() as cursor:
            row = cursor.execute("SELECT pg_current_snapshot()::text").fetchone()
        if row is None:
            raise RuntimeError("PostgreSQL gave no snapshot")
        return str(row[0])

    def batches(self, *, shards: Sequence[int], a: str, b: str, after_id: int) -> Iterator[tuple[list[Row], bool]]:
        """Yield (rows, whether the window ends with them), in order of id, starting above ``after_id``.

        May stop before the window's end, as a cursor is not kept for long; the caller comes again with a higher
        ``after_id``. An empty window yields one empty batch that ends it.
        """
        values = _values(shards, a, b, after_id)
        with self._cursor(Row._make) as cursor:
            rows = cursor.execute(_PROBE, values).fetchall()
        if len(rows) <= PROBE_ROWS:
            yield from self._cut(iter([rows]), ends=lambda: True)
            return
        with self._cursor() as cursor:
            counted = cursor.execute(_COUNT, values).fetchone()
        yield from self._stream(values, sort=counted is not None and counted[0] <= SORT_ROWS_MAX)

    def exactly(self, *, shard: int, a: str, b: str, after_id: int, last_id: int) -> list[Row]:
        """Return the rows of a batch that was recorded as (after_id, last_id] of a window, without what it parked."""
        query = (
            f"WITH found AS MATERIALIZED ({_SELECT} AND id <= %(last_id)s)"  # noqa: S608 - made of constants
            " SELECT * FROM found WHERE id NOT IN (SELECT event FROM outbox_parked WHERE shard = %(shard)s)"
            " AND id NOT IN (SELECT event FROM outbox_waiting WHERE shard = %(shard)s) ORDER BY id"
        )
        values = {**_values([shard], a, b, after_id), "last_id": last_id, "shard": shard}
        with self._cursor(Row._make) as cursor:
            rows = cursor.execute(query, values).fetchall()
        return [self._whole(row) for row in rows]

    def waiting(self, *, shard: int, topic: str, limit: int) -> list[Row]:
        """Return the first events of a topic that wait in a shard, at most ``limit`` and some 16 MiB of them."""
        values: dict[str, Any] = {"shard": shard, "topic": topic, "limit": limit, "events": None}
        return self._chosen(_WAITING, values)

    def released(self, *, shard: int, events: Sequence[int]) -> list[Row]:
        """Return these events, which waited in a shard and were to be sent, without what was parked of them."""
        return self._chosen(_RELEASED, {"shard": shard, "events": list(events)})

    def _chosen(self, query: str, values: dict[str, Any]) -> list[Row]:
        with self._cursor(Row._make) as cursor:
            rows = cursor.execute(query, values).fetchall()
        found, size_bytes = list[Row](), 0
        for row in rows:
            size_bytes += row.size_bytes
            if found and size_bytes > BATCH_BYTES_MAX and query is _WAITING:
                break
            found.append(self._whole(row))
        return found

    def close(self) -> None:
        """Give the connection back."""
        if self._wrapper is not None:
            self._wrapper.close()
            self._wrapper = None

    def _stream(self, values: dict[str, Any], *, sort: bool) -> Iterator[tuple[list[Row], bool]]:
        connection = self._connection()
        until_s = self._time.monotonic() + CURSOR_S_MAX
        ended = False
        with connection.transaction(), connection.cursor() as settings:
            # The whole result is wanted, not its first rows; and a statement may take long on a long backlog.
            settings.execute("SET LOCAL cursor_tuple_fraction = 1; SET LOCAL statement_timeout = 0")
            if not sort:
                settings.execute("SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
            with psycopg.ServerCursor(connection, "outbox_window", row_factory=lambda _: Row._make) as cursor:
                cursor.execute(_SORTED if sort else _ALONG_KEY, values, binary=True)

                def pages() -> Iterator[list[Row]]:
                    nonlocal ended
                    left = CURSOR_ROWS_MAX
                    while left > 0 and self._time.monotonic() < until_s:
                        page = cursor.fetchmany(_FETCH_ROWS)
                        left -= len(page)
                        ended = len(page) < _FETCH_ROWS
                        yield page
                        if ended:
                            return

                yield from self._cut(pages(), ends=lambda: ended)

    def _cut(self, pages: Iterator[list[Row]], *, ends: Callable[[], bool]) -> Iterator[tuple[list[Row], bool]]:
        """Join pages to batches of bounded rows and bytes; the last one says whether the window ends there."""
        batch: list[Row] = []
        size_bytes = 0
        for page in pages:
            for piece in self._pieces(page):
                if batch and (len(batch) >= BATCH_ROWS_MAX or size_bytes >= BATCH_BYTES_MAX):
                    yield batch, False
                    batch, size_bytes = [], 0
                batch.extend(piece)
                size_bytes += sum([row.size_bytes for row in piece])
        if batch or ends():
            yield batch, ends()

    def _pieces(self, page: list[Row]) -> Iterator[list[Row]]:
        """The page as it is, or, when it has a large row, row by row, each fetched when its turn comes."""
        if max((row.size_bytes for row in page), default=0) <= LARGE_BYTES:
            yield page
        else:
            for row in page:
                yield [self._whole(row)]

    def _whole(self, row: Row) -> Row:
        if row.size_bytes <= LARGE_BYTES:
            return row
        with self._cursor() as cursor:
            found = cursor.execute(_LARGE, [row.id]).fetchone()
        if found is None:
            raise RuntimeError(f"event {row.id} vanished while it was read")
        return row._replace(key=found[0], value=found[1], headers=found[2])

    def _cursor(self, make_row: RowMaker[Any] = tuple) -> psycopg.Cursor[Any]:
        cursor = psycopg.Cursor(self._connection(), row_factory=lambda _: make_row)
        cursor.format = psycopg.pq.Format.BINARY
        return cursor

    def _connection(self) -> psycopg.Connection[Any]:
        if self._wrapper is None:
            self._wrapper = connections.create_connection(DEFAULT_DB_ALIAS)
            self._wrapper.inc_thread_sharing()  # Celery closes it from another thread than the one that reads
            self._wrapper.ensure_connection()
        connection: psycopg.Connection[Any] = self._wrapper.connection
        return connection


def _values(shards: Sequence[int], a: str, b: str, after_id: int) -> dict[str, Any]:
    seen, seeing = Snapshot.parse(a), Snapshot.parse(b)
    return {
        "shards": list(shards),
        "after_id": after_id,
        "a": a,
        "b": b,
        "a_xmax": str(seen.xmax),
        "b_xmax": str(seeing.xmax),
        "probed": PROBE_ROWS + 1,
        "counted": SORT_ROWS_MAX + 1,
        "a_running": [str(xid) for xid in sorted(seen.running)],
    }
