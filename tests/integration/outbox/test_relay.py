"""The relay on a broker in memory: what arrives, in which order, under which number; what is parked; what waits."""

from __future__ import annotations

import hashlib
import uuid

import pytest
from django.db import connection

import outbox
from outbox import queries
from outbox.domain.event import sha256_of
from outbox.relay import reading
from outbox.relay.topics import GRACE_S
from reliability.kafka import ports
from reliability.kernel import clock, wire
from reliability.kernel.murmur import partition_for
from tests.support.outbox import append, drain, make_relay, number, values

NOW = clock.SYSTEM.now
REFUSED = ports.DeliveryError(code="TOPIC_AUTHORIZATION_FAILED", message="not yours", permanent=True)
AWAY = ports.DeliveryError(code="_TIMED_OUT", message="no answer", permanent=False)


@pytest.fixture
def relay(broker):
    made = make_relay(broker)
    yield made
    made.close()


def event(key: str | None, value: str, *, topic: str = "orders", **more) -> outbox.Event:
    return outbox.Event(topic=topic, key=None if key is None else key.encode(), value=value.encode(), **more)


def test_what_is_committed_arrives_with_its_id_and_number(relay, broker):
    (id_,) = append(event("k", "v", headers=(("a", None),)))
    drain(relay)
    (record,) = broker.records("orders")
    shard = outbox.domain.event.shard_of(key=b"k", aggregate_id="", event_id=id_)
    assert (record.key, record.value, record.partition) == (b"k", b"v", partition_for(b"k", 3))
    assert record.headers == (
        ("a", None),
        (wire.EVENT_ID, str(id_).encode()),
        (wire.NUMBER, f"{relay.facts()['outbox']}/{shard}/1/1".encode()),
    )


def test_each_key_stays_in_order_and_numbers_are_dense(relay, broker, monkeypatch):
    monkeypatch.setattr(reading, "BATCH_ROWS_MAX", 70)
    for start in range(0, 1_000, 250):
        append(*[event(f"key-{n % 40}", str(n)) for n in range(start, start + 250)])
        drain(relay)
    records = broker.records("orders")
    assert len(records) == 1_000
    for key in {record.key for record in records}:
        mine = [int(record.value) for record in records if record.key == key]
        assert mine == sorted(mine)
    for origin in {(record.partition, number(record).rpartition("/")[0]) for record in records}:
        mine = [number(r) for r in records if (r.partition, number(r).rpartition("/")[0]) == origin]
        assert [int(text.rpartition("/")[2]) for text in mine] == list(range(1, len(mine) + 1))


def test_a_raw_event_goes_as_it_is(relay, broker):
    append(event("k", "v", raw=True, partition=2, timestamp_ms=77, headers=(("a", b"1"), ("a", b"2"))))
    drain(relay)
    (record,) = broker.records("orders")
    assert (record.partition, record.timestamp_ms, record.headers) == (2, 77, (("a", b"1"), ("a", b"2")))


def test_a_receipt_says_where_it_went_and_what_was_sent(relay, broker):
    id_, other = append(event("k", "v", receipt=True), event("k", "w"))
    assert queries.unsent([id_]) == {id_}
    drain(relay)
    found = queries.receipts([id_, other])
    record = broker.records("orders")[0]
    assert found.keys() == {id_}
    assert (found[id_].state, found[id_].topic, found[id_].partition, found[id_].offset) == (
        "sent",
        "orders",
        record.partition,
        record.offset,
    )
    assert found[id_].sha256 == sha256_of(key=record.key, value=record.value, headers=record.headers)
    assert queries.unsent([id_]) == set()


def test_null_and_empty_arrive_as_such(relay, broker):
    append(outbox.Event(topic="orders", key=None, value=None), outbox.Event(topic="orders", key=b"", value=b""))
    drain(relay)
    assert {(record.key, record.value) for record in broker.records("orders")} == {(None, None), (b"", b"")}


def test_a_value_of_ten_megabytes_arrives_whole(relay, broker):
    relay.step()  # learns what the broker takes, and tells append
    outbox.operations.limits.forget()
    value = bytes(range(256)) * 40_000
    append(outbox.Event(topic="orders", key=b"k", value=value))
    drain(relay)
    assert hashlib.sha256(broker.records("orders")[0].value or b"").digest() == hashlib.sha256(value).digest()


def test_a_refused_event_is_parked_what_follows_waits_behind_it_and_other_keys_go_on(relay, broker):
    broker.refuse("stock", REFUSED)
    append(event("k", "1", topic="stock"), event("k", "2", topic="stock"))
    append(event("k", "3"), event("other", "4"))
    drain(relay)
    broker.refuse("stock", None)
    append(event("k", "5", topic="stock"), event("free", "6", topic="stock"))
    drain(relay)
    assert sorted(values(broker, "orders")) == [b"3", b"4"]
    assert values(broker, "stock") == [b"6"]
    parked = queries.parked()
    assert [(row.key_text, row.behind, row.code) for row in parked] == [
        ("k", False, "topic_authorization_failed"),
        ("k", True, "behind"),
        ("k", True, "behind"),
    ]


def test_a_refused_event_with_a_receipt_gets_that_alone_and_its_key_goes_on(relay, broker):
    broker.refuse("stock", REFUSED)
    ids = append(*[event("k", value, topic="stock", raw=True, receipt=True) for value in "12"])
    drain(relay)
    broker.refuse("stock", None)
    ids += append(event("k", "3", topic="stock", partition=9, raw=True, receipt=True))
    append(event("k", "4", topic="stock"))
    drain(relay)
    assert values(broker, "stock") == [b"4"]
    assert queries.parked() == []
    receipts = queries.receipts(ids)
    assert [receipts[id_].state for id_ in ids] == ["refused"] * 3
    assert "not yours" in receipts[ids[0]].error
    assert receipts[ids[2]].error.startswith("unknown_partition")


def test_behind_a_parked_event_one_with_a_receipt_is_refused_and_not_kept(relay, broker):
    append(event("k", "1", partition=9))
    (id_,) = append(event("k", "2", receipt=True))
    drain(relay)
    assert [row.behind for row in queries.parked()] == [False]
    assert queries.receipts([id_])[id_].error.startswith("behind")
    assert values(broker, "orders") == []


def test_a_parked_key_stays_parked_for_the_next_owner(broker):
    broker.refuse("stock", REFUSED)
    append(event("k", "1", topic="stock"))
    first = make_relay(broker)
    drain(first)
    first.close()
    broker.refuse("stock", None)
    append(event("k", "2", topic="stock"))
    second = make_relay(broker)
    drain(second)
    second.close()
    assert values(broker, "stock") == []
    assert [row.behind for row in queries.parked()] == [False, True]


def test_a_topic_that_stays_unknown_is_parked_and_one_that_appears_is_not(broker):
    time = clock.ManualClock()
    relay = make_relay(broker, time=time)
    append(event("k", "1", topic="late"), event("k", "2", topic="never"), event("k", "3"))
    relay.step()
    assert queries.parked() == []
    broker.admin().create_topics({"late": 1})
    time.advance(6)
    for _ in range(3):
        relay.step()
        time.advance(6)
    relay.close()
    assert values(broker, "late") == [b"1"]
    assert values(broker, "orders") == [b"3"]
    assert [(row.topic, row.code) for row in queries.parked()] == [("never", "unknown_topic")]


def test_many_unknown_topics_hold_a_shard_up_no_longer_than_one(broker):
    time = clock.ManualClock()
    relay = make_relay(broker, time=time, random=lambda: 0.99)  # the longest waits there are
    append(*[event("k", "gone", topic=f"gone-{n}") for n in range(20)], event("k", "fine"))
    for _ in range(30):
        relay.step()
        time.advance(GRACE_S / 25)
    relay.close()
    assert values(broker, "orders") == [b"fine"]
    assert len(queries.parked()) == 20


def test_nothing_is_lost_while_kafka_is_away(broker):
    time = clock.ManualClock()
    relay = make_relay(broker, time=time)
    append(*[event(f"key-{n}", str(n)) for n in range(50)])
    broker.go_away()
    for _ in range(3):
        relay.step()
        time.advance(3)
    rows = queries.shards(NOW())
    assert sum(row.backlog for row in rows) == 50
    assert {row.state for row in rows if row.backlog} == {"failing"}
    assert "away" in next(row.last_error for row in rows if row.backlog)
    broker.come_back()
    for _ in range(3):
        time.advance(11)
        relay.step()
    relay.close()
    assert sorted(int(value or b"") for value in values(broker, "orders")) == list(range(50))
    assert {row.failures for row in queries.shards(NOW())} == {0}


def test_an_error_that_passes_is_tried_again_and_sends_each_event_once_more_at_most(broker):
    relay = make_relay(broker)
    broker.refuse("orders", AWAY)
    append(*[event("k", str(n)) for n in range(5)])
    relay.step()
    assert values(broker, "orders") == []
    broker.refuse("orders", None)
    drain(relay)
    relay.close()
    assert values(broker, "orders") == [b"0", b"1", b"2", b"3", b"4"]
    assert [number(record).rpartition("/")[2] for record in broker.records("orders")] == ["1", "2", "3", "4", "5"]


def test_a_keyless_refused_event_holds_nobody_back(relay, broker):
    relay.step()
    append(outbox.Event(topic="orders", partition=9, value=b"lost"), outbox.Event(topic="orders", value=b"fine"))
    drain(relay)
    assert values(broker, "orders") == [b"fine"]
    assert [row.code for row in queries.parked()] == ["unknown_partition"]


def test_a_changed_partition_count_starts_a_new_series(relay, broker):
    append(event("k", "1"))
    drain(relay)
    broker.delete = broker.admin().delete_topic("orders")
    broker.admin().create_topics({"orders": 4})
    append(event("k", "2"))
    drain(relay)
    assert number(broker.records("orders")[0]).endswith("/2/1")


def test_the_log_of_batches_answers_when_an_event_went(relay, broker):
    (id_,) = append(event("k", "1"))
    drain(relay)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM outbox_event e JOIN outbox_batch b ON b.shard = e.shard"
            " AND e.id BETWEEN b.first_id AND b.last_id AND pg_visible_in_snapshot(e.xid, b.b::pg_snapshot)"
            " AND NOT pg_visible_in_snapshot(e.xid, b.a::pg_snapshot) WHERE e.event_id = %s",
            [id_],
        )
        assert cursor.fetchone() == (1,)


def test_the_given_event_id_is_the_one_that_is_sent(relay, broker):
    given = uuid.uuid4()
    append(event("k", "v", event_id=given))
    drain(relay)
    assert wire.first(broker.records("orders")[0].headers, wire.EVENT_ID) == str(given).encode()
