"""A service's consumer: effects, dead letters and retries in one transaction each."""

from __future__ import annotations

import pytest
from django.db import connection

from outbox import inbox, queries
from outbox.consume import Consumer, Message
from outbox.consume.sink import LEFT_OUT
from outbox.operations import append, limits
from reliability.kernel import wire
from reliability.kernel.clock import ManualClock
from reliability.kernel.errors import Permanent, Transient
from reliability.kernel.record import Header, Record
from tests.integration.consume.shop import Shop

ODD: tuple[Header, ...] = (("twice", b"1"), ("twice", None), ("", b"\xff\x00"))


def refusing(message: Message) -> None:
    raise Permanent("account closed")


def test_a_message_its_effect_and_its_inbox_row_are_one(shop: Shop) -> None:
    seen: list[Message] = []

    def handler(message: Message) -> None:
        seen.append(message)
        append.append(topic="paid", key=message.key, value=b"paid " + message.json()["id"].encode())

    shop.write(b'{"id": "17"}', headers=[(wire.EVENT_ID, b"e-1")])
    shop.consume(shop.consumer(handler), until=lambda: shop.position() == 1)
    assert [(m.message_id, m.attempt, m.group, m.topic) for m in seen] == [("e-1", 1, "payments", "orders")]
    assert [(row.topic, row.value) for row in shop.appended()] == [("paid", b"paid 17")]
    row = queries.inbox_states("payments", ["e-1"])["e-1"]
    assert (row.state, row.attempt) == ("done", 1)


def test_a_permanent_failure_is_a_dead_letter_with_exactly_the_contracts_headers(shop: Shop) -> None:
    def handler(message: Message) -> None:
        append.append(topic="paid", value=b"must not be sent")
        raise Permanent("account closed")

    clock = ManualClock()
    shop.write(b"\x00\xff not text", key=None, headers=ODD)
    shop.consume(shop.consumer(handler, time=clock), until=lambda: shop.position() == 1 or _tick(clock))
    [letter] = shop.appended()
    now_ms = int(clock.now().timestamp() * 1000)
    assert (letter.topic, letter.key, letter.value, letter.raw) == (
        "orders.payments.dlq",
        None,
        b"\x00\xff not text",
        True,
    )
    assert letter.headers[: len(ODD)] == ODD
    ours = letter.headers[len(ODD) :]
    stack = ours[-1][1] or b""
    failed_ms = int(letter.first(wire.DLQ_FAILED_AT) or b"")
    assert now_ms - 10_000 <= failed_ms <= now_ms
    assert ours == (
        ("mainstay-message-id", b"orders/0/0"),
        ("mainstay-attempt", b"1"),
        ("mainstay-dlq-origin-topic", b"orders"),
        ("mainstay-dlq-origin-partition", b"0"),
        ("mainstay-dlq-origin-offset", b"0"),
        ("mainstay-dlq-origin-timestamp", b"1700000"),
        ("mainstay-dlq-first-failed-at", b"%d" % failed_ms),
        ("mainstay-dlq-group", b"payments"),
        ("mainstay-dlq-attempts", b"1"),
        ("mainstay-dlq-error-type", b"reliability.kernel.errors.Permanent"),
        ("mainstay-dlq-error-message", b"account closed"),
        ("mainstay-dlq-cause", b"unknown"),
        ("mainstay-dlq-failed-at", b"%d" % failed_ms),
        ("mainstay-dlq-error-stack", stack),
    )
    assert b"in handler" in stack
    assert queries.inbox_states("payments", ["orders/0/0"])["orders/0/0"].state == "gave_up"


def _tick(clock: ManualClock) -> bool:
    clock.advance(0.5)
    return False


def test_a_tombstone_and_empty_bytes_stay_what_they_are(shop: Shop) -> None:
    shop.write(None, key=b"")
    shop.write(b"", key=None)
    shop.consume(shop.consumer(refusing), until=lambda: shop.position() == 2)
    assert [(letter.key, letter.value) for letter in shop.appended()] == [(b"", None), (None, b"")]


def test_malformed_json_is_a_letter_with_cause_format_and_does_not_stop_the_next(shop: Shop) -> None:
    totals: list[int] = []
    for value in (b"\xff{", None, b"[" * 100_000, b'{"total": 3}'):
        shop.write(value)
    consumer = shop.consumer(lambda message: totals.append(message.json()["total"]))
    shop.consume(consumer, until=lambda: shop.position() == 4)
    assert totals == [3]
    assert [letter.first(wire.DLQ_CAUSE) for letter in shop.appended()] == [b"format"] * 3


def test_its_topics_are_made_with_the_origins_partition_count(shop: Shop) -> None:
    consumer = shop.consumer(lambda message: None, order="none", retries=(5, 30))
    shop.consume(consumer, until=lambda: "orders.payments.dlq" in shop.broker.log.topics)
    assert shop.broker.admin().topics() == {
        "orders": 2,
        "orders.payments.retry.5": 2,
        "orders.payments.retry.30": 2,
        "orders.payments.dlq": 2,
    }


def test_retry_topics_and_kept_order_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="overtake"):
        Consumer(group="payments", topics=["orders"], handler=refusing, retries=(5,))


def test_a_transient_failure_comes_back_after_its_delay_under_its_own_id(shop: Shop) -> None:
    clock = ManualClock()
    attempts: list[tuple[int, str, str]] = []

    def handler(message: Message) -> None:
        attempts.append((message.attempt, message.message_id, message.topic))
        if message.attempt < 3:
            raise Transient("the bank does not answer")

    consumer = shop.consumer(handler, order="none", retries=(5, 30), blocking_retries=0, time=clock)
    shop.consume(consumer, until=lambda: "orders.payments.dlq" in shop.broker.log.topics)
    shop.write(headers=ODD)
    shop.consume(consumer, until=lambda: len(shop.appended()) == 1)
    assert queries.inbox_states("payments", ["orders/0/0"])["orders/0/0"].state == "retrying"
    shop.carry(clock)
    _some_steps(consumer)
    assert len(attempts) == 1, "it waits for its delay"
    clock.advance(5.5)
    shop.consume(consumer, until=lambda: len(shop.appended()) == 2)
    shop.carry(clock)
    clock.advance(30.5)
    shop.consume(consumer, until=lambda: queries.inbox_states("payments", ["orders/0/0"])["orders/0/0"].state == "done")
    assert attempts == [(attempt, "orders/0/0", "orders") for attempt in (1, 2, 3)]
    first, second = shop.appended()
    assert (first.topic, second.topic) == ("orders.payments.retry.5", "orders.payments.retry.30")
    for attempt, retry in ((b"2", first), (b"3", second)):
        assert retry.headers[: len(ODD)] == ODD
        assert retry.headers[len(ODD) : len(ODD) + 5] == (
            ("mainstay-message-id", b"orders/0/0"),
            ("mainstay-attempt", attempt),
            ("mainstay-dlq-origin-topic", b"orders"),
            ("mainstay-dlq-origin-partition", b"0"),
            ("mainstay-dlq-origin-offset", b"0"),
        )
    assert first.first(wire.DLQ_FIRST_FAILED_AT) == second.first(wire.DLQ_FIRST_FAILED_AT)


def _some_steps(consumer: Consumer) -> None:
    for _ in range(4):
        consumer.step()


def test_a_letter_after_retries_names_the_first_origin_once(shop: Shop) -> None:
    clock = ManualClock()

    def handler(message: Message) -> None:
        raise Transient("the bank does not answer")

    consumer = shop.consumer(handler, order="none", retries=(5,), blocking_retries=0, time=clock)
    shop.consume(consumer, until=lambda: "orders.payments.dlq" in shop.broker.log.topics)
    shop.write()
    shop.consume(consumer, until=lambda: len(shop.appended()) == 1)
    shop.carry(clock)
    clock.advance(6)
    shop.consume(consumer, until=lambda: len(shop.appended()) == 2)
    retry, letter = shop.appended()
    assert letter.topic == "orders.payments.dlq"
    names = [name for name, _ in letter.headers]
    assert len(names) == len(set(names))
    assert letter.first(wire.DLQ_ORIGIN_TOPIC) == b"orders"
    assert letter.first(wire.DLQ_FIRST_FAILED_AT) == retry.first(wire.DLQ_FIRST_FAILED_AT)
    assert letter.first(wire.DLQ_FIRST_FAILED_AT) != letter.first(wire.DLQ_FAILED_AT)
    assert (letter.first(wire.ATTEMPT), letter.first(wire.DLQ_ATTEMPTS)) == (b"2", b"2")
    assert letter.first(wire.DLQ_CAUSE) == b"dependency"


def test_a_replay_of_what_was_given_up_is_handled_and_of_what_was_done_is_not(shop: Shop) -> None:
    handled: list[tuple[str, int]] = []

    def handler(message: Message) -> None:
        if message.attempt == 1 and message.message_id == "bad":
            raise Permanent("account closed")
        handled.append((message.message_id, message.attempt))

    consumer = shop.consumer(handler)
    for message_id, attempt in ((b"bad", b"1"), (b"good", b"1"), (b"bad", b"2"), (b"good", b"2"), (b"bad", b"3")):
        shop.write(headers=[(wire.MESSAGE_ID, message_id), (wire.ATTEMPT, attempt), (wire.REPLAY, b"1/1")])
    shop.consume(consumer, until=lambda: shop.position() == 5)
    assert handled == [("good", 1), ("bad", 2)]


@pytest.mark.parametrize("target", [b"payments", b"shipping"])
def test_a_record_for_one_group_is_handled_by_that_group_alone(shop: Shop, target: bytes) -> None:
    handled: list[str] = []
    shop.write(headers=[(wire.TARGET_GROUP, target)])
    consumer = shop.consumer(lambda message: handled.append(message.message_id))
    shop.consume(consumer, until=lambda: shop.position() == 1)
    assert handled == (["orders/0/0"] if target == b"payments" else [])


def test_a_record_too_large_for_the_dead_letters_leaves_a_letter_that_says_where_it_is(shop: Shop) -> None:
    limits.forget()
    shop.write(b"x" * 1_000_000)
    shop.consume(shop.consumer(refusing), until=lambda: shop.position() == 1)
    [letter] = shop.appended()
    assert (letter.key, letter.value) == (None, None)
    assert letter.first(LEFT_OUT) == b"key, value of 1000000 bytes, headers"
    assert letter.first(wire.DLQ_ORIGIN_OFFSET) == b"0"


def test_a_letter_that_just_fits_without_its_stack_is_whole_otherwise(shop: Shop) -> None:
    limits.forget()
    value = b"x" * 999_400
    shop.write(value)
    shop.consume(shop.consumer(refusing), until=lambda: shop.position() == 1)
    [letter] = shop.appended()
    assert letter.value == value
    assert letter.first(wire.DLQ_ERROR_STACK) is None
    assert letter.first(LEFT_OUT) is None


def test_a_header_name_kafka_cannot_carry_again_does_not_stop_the_partition(shop: Shop) -> None:
    shop.broker.log.put(
        Record(topic="orders", partition=0, offset=0, key=b"k", value=b"v", headers=(("a\x00b", b"1"),))
    )
    shop.write(b"after")
    shop.consume(shop.consumer(refusing), until=lambda: shop.position() == 2)
    assert [letter.value for letter in shop.appended()] == [None, b"after"]


def test_several_messages_share_a_transaction_when_asked(shop: Shop) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        before = cursor.fetchone()[0]
    for number in range(50):
        shop.write(b"%d" % number)
    handled: list[bytes | None] = []

    def handler(message: Message) -> None:
        if message.value == b"30" and message.attempt == 1:
            raise Permanent("no")
        handled.append(message.value)

    shop.consume(shop.consumer(handler, batch=25), until=lambda: shop.position() == 50)
    assert sorted({int(value or b"") for value in handled}) == [number for number in range(50) if number != 30]
    assert [letter.value for letter in shop.appended()] == [b"30"]
    done = queries.inbox_states("payments", [f"orders/0/{number}" for number in range(50)])
    assert [row.state for row in done.values()].count("done") == 49
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        assert cursor.fetchone()[0] - before < 200


def test_a_connection_lost_under_the_handler_burns_no_try(shop: Shop) -> None:
    calls: list[int] = []

    def handler(message: Message) -> None:
        calls.append(1)
        if len(calls) <= 4:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    shop.write()
    shop.consume(shop.consumer(handler, blocking_retries=0), until=lambda: shop.position() == 1)
    assert len(calls) == 5
    assert shop.appended() == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT starts FROM outbox_start")
        assert cursor.fetchall() == [(1,)], "no start of it counts as a death"


def test_the_inbox_may_be_used_by_hand_in_the_same_transaction(shop: Shop) -> None:
    shop.write()

    def handler(message: Message) -> None:
        assert inbox.once("another part", message.message_id)

    shop.consume(shop.consumer(handler), until=lambda: shop.position() == 1)
    assert queries.inbox_states("another part", ["orders/0/0"])["orders/0/0"].state == "done"
