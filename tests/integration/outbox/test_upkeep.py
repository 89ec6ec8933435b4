"""Partitions: made ahead without stopping a writer, taken away only when nobody needs them."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection

import outbox
from outbox import operations, queries
from outbox.operations import retention, upkeep
from reliability.kafka.memory import MemoryBroker
from tests.support.outbox import append, drain, make_relay
from tests.support.waiting import wait_until

ROWS = 10


@pytest.fixture
def db():
    """A connection as upkeep uses it; afterwards the partitions are as the migration left them."""
    parameters = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    with psycopg.connect(**{n: parameters[n] for n in names if parameters.get(n)}, autocommit=True) as made:
        made.execute("SET lock_timeout = '1s'")
        _make_partitions(made, [(n * ROWS, (n + 1) * ROWS) for n in range(5)])
        yield made
        _make_partitions(made, [(n * 2_000_000, (n + 1) * 2_000_000) for n in range(5)])


def _make_partitions(db: psycopg.Connection, bounds: list[tuple[int, int]]) -> None:
    db.execute("TRUNCATE outbox_event")
    for partition in upkeep.partitions(db):
        db.execute(f'DROP TABLE "{partition.name}"')
    db.execute("ALTER SEQUENCE outbox_event_id RESTART WITH 1")
    for start, end in bounds:
        upkeep._make(db, start, end)


def names(db: psycopg.Connection) -> list[str]:
    return [partition.name.removeprefix("outbox_event_from_") for partition in upkeep.partitions(db)]


def events(count: int) -> list[outbox.Event]:
    return [outbox.Event(topic="orders", key=str(n).encode()) for n in range(count)]


def send_all(broker: MemoryBroker) -> None:
    """Relay until every shard's snapshot lies beyond all events, whatever else the server is busy with."""

    def is_beyond() -> bool:
        relay = make_relay(broker)
        drain(relay)
        relay.close()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT bool_and(pg_snapshot_xmin(snapshot::pg_snapshot) > (SELECT xid FROM outbox_event"
                " ORDER BY xid DESC LIMIT 1)) FROM outbox_shard"
            )
            return bool(cursor.fetchone()[0])

    wait_until(is_beyond, within_s=20, what="another transaction of the server is open", every_s=0.05)


def test_four_partitions_are_kept_ahead_of_the_writers(db):
    assert upkeep.make_ahead(db, rows=ROWS) == []
    append(*events(25))
    assert queries.partitions_ahead() == 2
    assert upkeep.make_ahead(db, rows=ROWS) == ["outbox_event_from_50", "outbox_event_from_60"]
    assert queries.partitions_ahead() == 4
    append(*events(40))
    assert queries.partitions_ahead() == 0


def test_a_new_partition_has_the_indexes_and_defaults_of_the_table(db):
    upkeep.make_ahead(db, rows=ROWS)
    append(*events(25))
    upkeep.make_ahead(db, rows=ROWS)
    append(*events(30))
    (indexes,) = db.execute("SELECT count(*) FROM pg_indexes WHERE tablename = 'outbox_event_from_50'").fetchone()
    (rows,) = db.execute("SELECT count(*) FROM outbox_event_from_50 WHERE xid IS NOT NULL").fetchone()
    assert (indexes, rows) == (4, 6)


def test_a_writer_with_an_open_transaction_does_not_stop_upkeep_nor_the_other_writers(db):
    with psycopg.connect(db.info.dsn, password=db.info.password) as writer:
        writer.execute(
            "INSERT INTO outbox_event (shard, event_id, topic, headers, raw, receipt, aggregate_type, aggregate_id,"
            " event_type) SELECT 0, gen_random_uuid(), 'orders', '', false, false, '', '', ''"
            " FROM generate_series(1, 25)"
        )
        assert len(upkeep.make_ahead(db, rows=ROWS)) == 2
        append(*events(1))
        writer.rollback()


def test_only_partitions_whose_events_are_sent_are_dropped(db, broker):
    append(*events(25))
    assert upkeep.take_away_old(db, retention_s=0) == []
    send_all(broker)
    assert upkeep.take_away_old(db, retention_s=3600) == []
    assert upkeep.take_away_old(db, retention_s=0) == ["outbox_event_from_0", "outbox_event_from_10"]
    assert names(db) == ["20", "30", "40"]


def test_a_parked_event_keeps_its_partition(db, broker):
    append(*events(9), outbox.Event(topic="orders", partition=99), *events(15))
    send_all(broker)
    assert len(queries.parked()) == 1
    assert upkeep.take_away_old(db, retention_s=0) == ["outbox_event_from_0"]


def test_a_transaction_that_is_still_open_keeps_what_it_wrote(db, broker):
    with psycopg.connect(db.info.dsn, password=db.info.password) as writer:
        writer.execute(
            "INSERT INTO outbox_event (shard, event_id, topic, headers, raw, receipt, aggregate_type, aggregate_id,"
            " event_type) VALUES (3, gen_random_uuid(), 'orders', '', false, false, '', '', '')"
        )
        append(*events(25))
        drain(make_relay(broker))
        assert upkeep.take_away_old(db, retention_s=0) == []
        writer.commit()
    send_all(broker)
    assert len(broker.records("orders")) == 26
    assert upkeep.take_away_old(db, retention_s=0) == ["outbox_event_from_0", "outbox_event_from_10"]


def test_a_detach_that_was_interrupted_is_finished(db, broker):
    append(*events(25))
    send_all(broker)
    with psycopg.connect(db.info.dsn, password=db.info.password) as reader:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM outbox_event")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            upkeep.take_away_old(db, retention_s=0)
        assert upkeep.partitions(db)[0].leaving
        reader.rollback()
    assert upkeep.take_away_old(db, retention_s=0) == ["outbox_event_from_0", "outbox_event_from_10"]


def test_a_partition_that_was_detached_and_not_dropped_is_not_forgotten(db, broker):
    append(*events(25))
    db.execute("ALTER TABLE outbox_event DETACH PARTITION outbox_event_from_0 CONCURRENTLY")
    upkeep.take_away_old(db, retention_s=0)
    assert names(db)[0] == "0"  # its events are not sent: it is back
    send_all(broker)
    assert len(broker.records("orders")) == 25
    db.execute("ALTER TABLE outbox_event DETACH PARTITION outbox_event_from_0 CONCURRENTLY")
    assert upkeep.take_away_old(db, retention_s=3600) == ["outbox_event_from_0"]


def test_two_upkeeps_at_once_do_no_harm(db):
    with psycopg.connect(db.info.dsn, password=db.info.password, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [upkeep._LOCK])
        append(*events(25))
        operations.keep_up()
        assert len(names(db)) == 5
        # In words, and before the connection ends: of one that ended the server may let go some time later.
        other.execute("SELECT pg_advisory_unlock(%s)", [upkeep._LOCK])
        operations.keep_up()
        assert len(names(db)) == 7


def test_receipts_and_log_rows_past_their_time_go(db):
    db.execute(
        "INSERT INTO outbox_receipt SELECT gen_random_uuid(), 'orders', 0, n, '', 'sent', '',"
        " now() - n * interval '1 day' + interval '12 hours' FROM generate_series(1, 30) AS n"
    )
    db.execute(
        "INSERT INTO outbox_batch SELECT 0, extract(epoch FROM now())::int - n * 86400 + 43200, '3:3:', '3:3:', 1, 1,"
        " 1, 1, now() FROM generate_series(1, 30) AS n"
    )
    assert retention.sweep() == 16 + 16
    assert retention.sweep() == 0
