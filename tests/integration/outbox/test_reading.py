"""Reading under fire: writers that take their number early, commit late and wait for each other, and three readers."""

from __future__ import annotations

import itertools
import random
import threading
import time
import zlib
from collections import defaultdict
from itertools import pairwise

import psycopg
import pytest
from django.db import connection

from outbox.domain.snapshot import NOTHING
from outbox.relay import reading
from outbox.relay.reading import Source
from tests.support import outbox as outbox_support

WRITERS = 8
KEYS = 12
SECONDS = 4.0
SLOW_SHARE = 0.05
ALL = list(range(16))

_APPEND = (
    "INSERT INTO outbox_event (shard, event_id, topic, key, value, headers, raw, receipt, aggregate_type,"
    " aggregate_id, event_type) VALUES (%s, gen_random_uuid(), 'orders', %s, %s, '', false, false, '', '', '')"
)


def connect() -> psycopg.Connection:
    parameters = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    return psycopg.connect(**{name: parameters[name] for name in names if parameters.get(name)})


def write(seed: int, stop: threading.Event) -> None:
    """Serialised per key by a row lock, as the outbox asks of its writers; half take their number long before."""
    chance = random.Random(seed)
    with connect() as db:
        while not stop.is_set():
            key = chance.randrange(KEYS)
            if chance.random() < 0.5:
                db.execute("SELECT pg_current_xact_id()")
                time.sleep(chance.random() * 0.005)
            (version,) = db.execute(
                "UPDATE outbox_test SET version = version + 1 WHERE id = %s RETURNING version", [key]
            ).fetchone()
            name = f"key-{key}".encode()
            db.execute(_APPEND, [zlib.crc32(name) % 16, name, str(version).encode()])
            if chance.random() < SLOW_SHARE:
                time.sleep(0.1)
            db.commit()


class ByWindow:
    """Ours."""

    def __init__(self) -> None:
        self.a = str(NOTHING)
        self.read: list[tuple[bytes, int]] = []
        self.source = Source()

    def look(self) -> None:
        b, after_id, ended = self.source.snapshot(), 0, False
        while not ended:
            for rows, ended in self.source.batches(shards=ALL, a=self.a, b=b, after_id=after_id):  # noqa: B007
                self.read += [(row.key, int(row.value)) for row in rows]
                after_id = rows[-1].id if rows else after_id
        self.a = b


class ByLastId:
    """The naive recipe."""

    def __init__(self) -> None:
        self.last = 0
        self.read: list[tuple[bytes, int]] = []
        self.db = connect()
        self.db.autocommit = True

    def look(self) -> None:
        query = "SELECT id, key, value FROM outbox_event WHERE id > %s ORDER BY id"
        for id_, key, value in self.db.execute(query, [self.last]).fetchall():
            self.last = id_
            self.read.append((key, int(value)))


class ByHorizon:
    """The popular recipe with xid8."""

    def __init__(self) -> None:
        self.at = ("0", 0)
        self.read: list[tuple[bytes, int]] = []
        self.db = connect()
        self.db.autocommit = True

    def look(self) -> None:
        query = (
            "SELECT xid::text, id, key, value FROM outbox_event e WHERE (e.xid, id) > (%s::xid8, %s)"
            " AND e.xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY e.xid, id"
        )
        for xid, id_, key, value in self.db.execute(query, self.at).fetchall():
            self.at = (xid, id_)
            self.read.append((key, int(value)))


def lost(reader: ByWindow | ByLastId | ByHorizon, written: int) -> int:
    assert len(set(reader.read)) == len(reader.read), "read twice"
    return written - len(reader.read)


def reordered(reader: ByWindow | ByLastId | ByHorizon) -> int:
    versions: dict[bytes, list[int]] = defaultdict(list)
    for key, version in reader.read:
        versions[key].append(version)
    return sum(one > other for seen in versions.values() for one, other in pairwise(seen))


def test_windows_lose_and_reorder_nothing_where_both_usual_recipes_fail():
    with connect() as db:
        db.execute("CREATE TABLE outbox_test (id int PRIMARY KEY, version int NOT NULL DEFAULT 0)")
        db.execute("INSERT INTO outbox_test SELECT generate_series(0, %s)", [KEYS - 1])
    stop = threading.Event()
    writers = [threading.Thread(target=write, args=(seed, stop)) for seed in range(WRITERS)]
    window, naive, popular = ByWindow(), ByLastId(), ByHorizon()
    for writer in writers:
        writer.start()
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        for reader in (window, naive, popular):
            reader.look()
        time.sleep(0.002)
    stop.set()
    for writer in writers:
        writer.join(10)
    for reader in (window, naive, popular):
        reader.look()
    with connect() as db:
        (written,) = db.execute("SELECT count(*) FROM outbox_event").fetchone()
        db.execute("DROP TABLE outbox_test")
    window.source.close()
    naive.db.close()
    popular.db.close()
    assert written > 300
    assert (lost(window, written), reordered(window)) == (0, 0)
    assert lost(naive, written) > 0
    assert lost(popular, written) == 0
    assert reordered(popular) > 0


def fill(count: int, *, value: bytes = b"v") -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _APPEND.replace("VALUES (%s,", "SELECT n %% 16,").replace("'')", "'' FROM generate_series(1, %s) AS n"),
            [b"k", value, count],
        )


def read_all(source: Source, *, a: str, b: str) -> list[int]:
    ids: list[int] = []
    ended = False
    while not ended:
        for rows, ended in source.batches(shards=ALL, a=a, b=b, after_id=ids[-1] if ids else 0):  # noqa: B007
            ids += [row.id for row in rows]
    return ids


@pytest.fixture
def source():
    made = Source()
    yield made
    made.close()


@pytest.mark.parametrize(("probe", "sort", "cursor"), [(10_000, 10_000, 10_000), (100, 10_000, 700), (100, 200, 700)])
def test_a_window_is_read_whole_by_every_plan(source, monkeypatch, probe, sort, cursor):
    monkeypatch.setattr(reading, "CURSOR_ROWS_MAX", cursor)
    monkeypatch.setattr(reading, "BATCH_ROWS_MAX", 500)
    monkeypatch.setattr(reading, "PROBE_ROWS", probe)
    monkeypatch.setattr(reading, "SORT_ROWS_MAX", sort)
    a = source.snapshot()
    fill(3_000)
    b = source.snapshot()
    fill(10)
    ids = read_all(source, a=a, b=b)
    assert len(ids) == 3_000
    assert ids == sorted(ids)


def test_large_rows_come_whole_and_in_small_batches(source, monkeypatch):
    monkeypatch.setattr(reading, "BATCH_BYTES_MAX", 300_000)
    a = source.snapshot()
    for size in (10, 200_000, 200_000, 10, 200_000):
        fill(1, value=b"x" * size)
    batches = list(source.batches(shards=ALL, a=a, b=source.snapshot(), after_id=0))
    assert [[len(row.value) for row in rows] for rows, _ in batches] == [[10, 200_000, 200_000], [10, 200_000]]
    assert [ended for _, ended in batches] == [False, True]


def test_a_recorded_batch_is_read_again_exactly_without_what_it_parked(source):
    a = source.snapshot()
    fill(100)
    b = source.snapshot()
    fill(100)
    rows = [row for batch, _ in source.batches(shards=[3], a=a, b=b, after_id=0) for row in batch]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_parked SELECT id, event_id, shard, topic, key, false, 'x', 'x', '', now()"
            " FROM outbox_event WHERE id = %s",
            [rows[2].id],
        )
    again = source.exactly(shard=3, a=a, b=b, after_id=rows[0].id, last_id=rows[4].id)
    assert [row.id for row in again] == [rows[1].id, rows[3].id, rows[4].id]


def test_other_shards_are_not_read(source):
    a = source.snapshot()
    fill(160)
    rows = list(
        itertools.chain(*(rows for rows, _ in source.batches(shards=[1, 2], a=a, b=source.snapshot(), after_id=0)))
    )
    assert {row.shard for row in rows} == {1, 2}
    assert len(rows) == 20


def test_support_leaves_an_empty_outbox(source):
    fill(5)
    outbox_support.empty()
    assert read_all(source, a=str(NOTHING), b=source.snapshot()) == []
