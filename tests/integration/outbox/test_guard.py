"""A database that is not the one it was: the relays halt and say so, and go on when an operator says so."""

from __future__ import annotations

import pytest
from django.db import connection

import outbox
from outbox import operations, queries
from outbox.domain.numbering import EPOCH_JUMP
from outbox.relay import guard
from reliability.access import Denied, Role
from reliability.kernel import clock
from tests.support.actors import actor
from tests.support.outbox import append, drain, make_relay, number, values


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    ("change", "reason"),
    [("timeline = '00000000'", "timeline"), ("system_identifier = '1'", "another server's")],
)
def test_a_changed_identity_halts_every_relay_and_raises_every_epoch(broker, change, reason):
    relay = make_relay(broker)
    append(outbox.Event(topic="orders", key=b"k", value=b"1"))
    drain(relay)
    relay.close()
    execute(f"UPDATE outbox_setting SET {change}")
    append(outbox.Event(topic="orders", key=b"k", value=b"2"))
    assert make_relay(broker).step() is False
    assert reason in queries.halted()
    assert values(broker, "orders") == [b"1"]
    assert min(row.epoch for row in queries.shards(clock.SYSTEM.now())) >= EPOCH_JUMP


def test_an_admin_lets_the_relays_go_on_with_a_new_series(broker):
    relay = make_relay(broker)
    append(outbox.Event(topic="orders", key=b"k", value=b"1"))
    drain(relay)
    relay.close()
    execute("UPDATE outbox_setting SET timeline = '00000000'")
    make_relay(broker).step()
    append(outbox.Event(topic="orders", key=b"k", value=b"2"))
    with pytest.raises(Denied):
        operations.accept_database(actor=actor(Role.OPERATOR), reason="looked at it")
    operations.accept_database(actor=actor(Role.ADMIN), reason="looked at it")
    assert queries.halted() == ""
    drain(make_relay(broker))
    assert values(broker, "orders") == [b"1", b"2"]
    assert number(broker.records("orders")[1]).endswith("/1000001/1")
    with pytest.raises(operations.pausing.NotHalted):
        operations.accept_database(actor=actor(Role.ADMIN), reason="again")


def test_after_a_dump_and_restore_the_unsent_events_are_sent_and_no_others(broker):
    relay = make_relay(broker)
    append(*[outbox.Event(topic="orders", key=b"k", value=b"sent") for _ in range(3)])
    drain(relay)
    relay.close()
    append(*[outbox.Event(topic="orders", key=b"k", value=str(n).encode()) for n in range(3)])
    # As a restore leaves it: transaction numbers, and snapshots made of them, of a server that had come further.
    execute("UPDATE outbox_event SET xid = (xid::text::bigint + 5000000)::text::xid8")
    execute(
        "UPDATE outbox_shard SET snapshot = (pg_snapshot_xmin(snapshot::pg_snapshot)::text::bigint + 5000000)::text"
        " || ':' || (pg_snapshot_xmax(snapshot::pg_snapshot)::text::bigint + 5000000)::text || ':'"
        " WHERE snapshot <> '3:3:'"
    )
    execute("UPDATE outbox_setting SET system_identifier = '1'")
    make_relay(broker).step()
    operations.accept_database(actor=actor(Role.ADMIN), reason="restored from the dump of last night")
    drain(make_relay(broker))
    assert values(broker, "orders") == [b"sent", b"sent", b"sent", b"0", b"1", b"2"]


def test_a_relay_refuses_an_outbox_of_another_name_or_size(broker, settings):
    make_relay(broker).step()
    settings.MAINSTAY_OUTBOX_NAME = "other"
    with pytest.raises(guard.WrongOutbox, match="the outbox in this database is"):
        make_relay(broker).step()
    execute("UPDATE outbox_setting SET shards = 32, name = ''")
    with pytest.raises(guard.WrongOutbox, match="32 shards"):
        make_relay(broker).step()
