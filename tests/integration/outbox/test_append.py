"""Appending: with the transaction or not at all, exact bytes, limits, locks, traces, hints."""

from __future__ import annotations

import threading
import uuid

import pytest
import redis
from django.conf import settings
from django.db import DatabaseError, connection, transaction

import outbox
from outbox.domain.event import TooLarge
from outbox.operations import hints, limits
from outbox.operations.append import EVENTS_PER_CALL_MAX, NotInTransaction
from reliability.kernel import wire
from reliability.kernel.telemetry import tracing


def rows(columns: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM outbox_event ORDER BY id")
        return cursor.fetchall()


def append_and_roll_back() -> None:
    with transaction.atomic():
        outbox.append(topic="orders")
        transaction.set_rollback(True)


def test_it_refuses_to_append_outside_a_transaction():
    with pytest.raises(NotInTransaction):
        outbox.append(topic="orders")


def test_an_event_goes_with_a_rollback():
    append_and_roll_back()
    assert rows("id") == []


def test_a_savepoint_s_events_carry_the_number_of_the_whole_transaction():
    with transaction.atomic():
        outbox.append(topic="orders")
        with transaction.atomic():
            outbox.append(topic="orders")
    assert len({xid for (xid,) in rows("xid::text")}) == 1


def test_bytes_stay_exact_and_null_is_not_empty():
    headers = [("a", b"\x00\xff"), ("a", None), ("", b""), ("ü", b"x")]
    with transaction.atomic():
        outbox.append(topic="orders", key=b"\x00", value=b"", headers=headers, raw=True, partition=2, timestamp_ms=7)
        outbox.append(topic="orders", key=None, value=None, raw=True)
    first, second = rows("key, value, headers, raw, partition, timestamp_ms")
    assert [bytes(part) for part in first[:2]] == [b"\x00", b""]
    assert wire.unpack_headers(bytes(first[2])) == tuple(headers)
    assert first[3:] == (True, 2, 7)
    assert second[:2] == (None, None)


def test_many_events_keep_their_order_in_their_ids():
    with transaction.atomic():
        ids = outbox.append_many([outbox.Event(topic="orders", value=str(n).encode()) for n in range(3_000)])
    found = rows("value, event_id")
    assert [int(bytes(value)) for value, _ in found] == list(range(3_000))
    assert [event_id for _, event_id in found] == ids


def test_too_many_events_in_one_call_are_refused():
    with pytest.raises(ValueError, match="10001"), transaction.atomic():
        outbox.append_many([outbox.Event(topic="orders")] * (EVENTS_PER_CALL_MAX + 1))


def test_texts_that_the_database_cannot_hold_are_made_visible():
    with transaction.atomic():
        outbox.append(topic="orders", aggregate=("order", "1\x00\ud800"), event_type="x" * 300)
    ((kind, id_, event_type),) = rows("aggregate_type, aggregate_id, event_type")
    assert (kind, id_, len(event_type)) == ("order", "1␀<U+D800>", 200)


def test_the_limit_is_the_topic_s_own_then_the_broker_s_then_a_default():
    with (
        pytest.raises(TooLarge, match=r"1,000,001 bytes for topic orders, which takes 1,000,000"),
        transaction.atomic(),
    ):
        outbox.append(topic="orders", value=b"x" * 1_000_001)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO outbox_topic VALUES ('', 50, now()), ('orders', 10, now())")
    limits.forget()
    for topic, size in (("orders", 11), ("other", 51)):
        with pytest.raises(TooLarge), transaction.atomic():
            outbox.append(topic=topic, value=b"x" * size)
        with transaction.atomic():
            outbox.append(topic=topic, value=b"x" * (size - 1))


def test_lock_key_lets_one_writer_of_a_key_wait_for_the_other():
    first_is_in, second_is_done = threading.Event(), threading.Event()

    def second() -> None:
        first_is_in.wait(5)
        with transaction.atomic():
            outbox.append(topic="orders", key=b"k", value=b"second", lock_key=True)
        second_is_done.set()
        connection.close()

    thread = threading.Thread(target=second)
    with transaction.atomic():
        outbox.append(topic="orders", key=b"k", value=b"first", lock_key=True)
        thread.start()
        first_is_in.set()
        assert not second_is_done.wait(0.3)
    thread.join(5)
    assert [bytes(value) for (value,) in rows("value")] == [b"first", b"second"]


def test_two_calls_that_lock_the_same_keys_in_other_order_do_not_deadlock():
    barrier, errors = threading.Barrier(2), []

    def write(keys: list[bytes]) -> None:
        try:
            for _ in range(20):
                barrier.wait(5)
                with transaction.atomic():
                    outbox.append_many([outbox.Event(topic="orders", key=key, lock_key=True) for key in keys])
        except (DatabaseError, threading.BrokenBarrierError) as error:
            errors.append(error)
            barrier.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(keys,)) for keys in ([b"a", b"b"], [b"b", b"a"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert errors == []


def test_the_trace_becomes_a_header_unless_the_event_is_raw_or_has_one():
    with tracing.span("work"), transaction.atomic():
        expected = dict(tracing.inject())
        assert "traceparent" in expected
        outbox.append(topic="orders")
        outbox.append(topic="orders", raw=True)
        outbox.append(topic="orders", headers=[("traceparent", b"mine")])
    plain, raw, own = [dict(wire.unpack_headers(bytes(packed))) for (packed,) in rows("headers")]
    assert plain == expected
    assert raw == {}
    assert own == {"traceparent": b"mine"}


def test_a_commit_wakes_the_relays_and_a_rollback_does_not():
    pubsub = redis.Redis.from_url(settings.REDIS_URL).pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe(hints.channel())
    assert pubsub.get_message(timeout=2) is None
    append_and_roll_back()
    assert pubsub.get_message(timeout=0.3) is None
    with transaction.atomic():
        outbox.append(topic="orders")
    assert pubsub.get_message(timeout=2) is not None
    pubsub.close()


def test_a_dead_redis_costs_the_writer_nothing(settings, monkeypatch):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    monkeypatch.setattr(hints, "_sender", None)
    with transaction.atomic():
        outbox.append(topic="orders", event_id=(given := uuid.uuid4()))
    assert rows("event_id") == [(given,)]
    monkeypatch.setattr(hints, "_sender", None)
