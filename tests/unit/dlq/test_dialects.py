"""Dialects: real examples by hand, hostile bytes by hypothesis."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlq.domain import dialects
from dlq.domain.failure import Failure
from reliability.kernel.record import Header, Record

NOW_MS = 1_795_000_000_000


def int32(number: int) -> bytes:
    return struct.pack(">i", number)


def int64(number: int) -> bytes:
    return struct.pack(">q", number)


def big_integer(number: int) -> bytes:
    return number.to_bytes((number.bit_length() // 8) + 1, "big", signed=True)


def record(*headers: Header, topic: str = "orders-dlt") -> Record:
    return Record(topic=topic, partition=0, offset=7, key=b"k", value=b"v", headers=headers, timestamp_ms=NOW_MS)


def read(*headers: Header, topic: str = "orders-dlt") -> Failure:
    read = record(*headers, topic=topic)
    values = dict(read.headers)
    return dialects.pick(values).read(values, read)


def test_it_reads_our_own_dialect() -> None:
    failure = read(
        ("mainstay-message-id", b"m-1"),
        ("mainstay-dlq-origin-topic", b"orders"),
        ("mainstay-dlq-origin-partition", b"3"),
        ("mainstay-dlq-origin-offset", b"9007199254740993"),
        ("mainstay-dlq-origin-timestamp", str(NOW_MS).encode()),
        ("mainstay-dlq-group", "zahlungen-ü".encode()),
        ("mainstay-dlq-attempts", b"4"),
        ("mainstay-dlq-error-type", b"shop.errors.PaymentTimeout"),
        ("mainstay-dlq-error-message", b"card service: no answer"),
        ("mainstay-dlq-error-stack", b"Traceback\r\n  x"),
        ("mainstay-dlq-cause", b"dependency"),
        ("mainstay-dlq-first-failed-at", b"2026-11-20T10:00:00+00:00"),
        ("mainstay-dlq-failed-at", str(NOW_MS).encode()),
    )
    assert failure == Failure(
        dialect="mainstay",
        origin_topic="orders",
        origin_partition=3,
        origin_offset=9007199254740993,
        origin_timestamp_ms=NOW_MS,
        group="zahlungen-ü",
        attempt=4,
        error_type="shop.errors.PaymentTimeout",
        error_message="card service: no answer",
        error_stack="Traceback\n  x",
        cause_hint="dependency",
        first_failed_at=datetime(2026, 11, 20, 10, tzinfo=UTC),
        failed_at=datetime.fromtimestamp(NOW_MS / 1000, UTC),
    )


DLPR: tuple[Header, ...] = (
    ("kafka_dlt-original-topic", b"orders"),
    ("kafka_dlt-original-partition", int32(2)),
    ("kafka_dlt-original-offset", int64(41)),
    ("kafka_dlt-original-timestamp", int64(NOW_MS - 5)),
    ("kafka_dlt-original-timestamp-type", b"CreateTime"),
    ("kafka_dlt-original-consumer-group", b"billing"),
    ("kafka_dlt-exception-fqcn", b"org.springframework.kafka.listener.ListenerExecutionFailedException"),
    ("kafka_dlt-exception-cause-fqcn", b"com.acme.CardDeclined"),
    ("kafka_dlt-exception-message", b"Listener failed; card declined"),
    ("kafka_dlt-exception-stacktrace", b"com.acme.CardDeclined: x\n\tat com.acme.Pay.charge(Pay.java:3)"),
)


def test_it_reads_a_spring_dead_letter_and_prefers_the_cause_to_the_wrapper() -> None:
    failure = read(*DLPR)
    assert failure.dialect == "spring-dlpr"
    assert (failure.origin_topic, failure.origin_partition, failure.origin_offset) == ("orders", 2, 41)
    assert failure.origin_timestamp_ms == NOW_MS - 5
    assert (failure.group, failure.error_type) == ("billing", "com.acme.CardDeclined")
    assert failure.error_stack.startswith("com.acme.CardDeclined: x\n␉".replace("␉", "\t"))
    assert failure.failed_at == datetime.fromtimestamp(NOW_MS / 1000, UTC)
    assert failure.errors == ()


def test_the_last_of_appended_spring_origins_is_the_newest() -> None:
    failure = read(*DLPR, ("kafka_dlt-original-topic", b"orders-dlt"), ("kafka_dlt-original-offset", int64(99)))
    assert (failure.origin_topic, failure.origin_offset) == ("orders-dlt", 99)
    assert failure.notes == ("failed 2 times on its way: the newest origin is shown",)


def test_a_spring_key_failure_is_read_when_the_value_has_none() -> None:
    failure = read(
        ("kafka_dlt-key-exception-fqcn", b"org.springframework.kafka.support.serializer.DeserializationException"),
        ("kafka_dlt-key-exception-message", b"bad key"),
        ("springDeserializerExceptionKey", b"\xac\xed\x00\x05sr"),
    )
    assert failure.error_type.endswith("DeserializationException")
    assert failure.error_message == "bad key"


def test_it_reads_a_spring_retry_topic_chain() -> None:
    failure = read(
        ("kafka_original-topic", b"orders"),
        ("kafka_original-partition", int32(0)),
        ("kafka_original-offset", int64(5)),
        ("kafka_exception-fqcn", b"java.lang.IllegalStateException"),
        ("kafka_dlt-original-consumer-group", b"shipping"),
        ("retry_topic-attempts", int32(4)),
        ("retry_topic-original-timestamp", big_integer(NOW_MS)),
        ("retry_topic-backoff-timestamp", big_integer(NOW_MS + 1000)),
    )
    assert len(big_integer(NOW_MS)) == 6
    assert failure.dialect == "spring-retry"
    assert (failure.group, failure.attempt, failure.origin_timestamp_ms) == ("shipping", 4, NOW_MS)
    assert failure.errors == ()


@pytest.mark.parametrize(("value", "expected"), [(b"\x03", 3), (b"\xff", 255), (int32(3), 3)])
def test_spring_attempts_are_four_bytes_or_one(value: bytes, expected: int) -> None:
    assert read(("retry_topic-attempts", value)).attempt == expected


@pytest.mark.parametrize(
    ("evidence", "header", "value"),
    [
        ("mainstay-dlq-group", "mainstay-dlq-attempts", b"2147483647"),
        ("mainstay-dlq-group", "mainstay-dlq-attempts", b"9223372036854775807"),
        ("kafka_dlt-exception-fqcn", "kafka_deliveryAttempt", int32(2**31 - 1)),
        ("kafka_exception-fqcn", "retry_topic-attempts", int32(2**31 - 1)),
    ],
)
def test_more_attempts_than_there_can_be_are_unknown_and_said_so(evidence: str, header: str, value: bytes) -> None:
    failure = read((evidence, b"X"), (header, value))
    assert failure.attempt is None
    assert failure.errors[0].startswith(f"{header} is more attempts")


@pytest.mark.parametrize("value", [b"", b"\x00\x00\x03", b"12345", int32(-1)])
def test_wrong_lengths_and_signs_make_a_field_unknown_and_say_so(value: bytes) -> None:
    failure = read(("kafka_dlt-original-topic", b"orders"), ("kafka_dlt-original-partition", value))
    assert failure.origin_partition is None
    assert len(failure.errors) == 1
    assert failure.errors[0].startswith("kafka_dlt-original-partition")


@pytest.mark.parametrize("value", [b"", b"1" * 9, (-5).to_bytes(1, "big", signed=True)])
def test_a_big_integer_out_of_bounds_is_unknown(value: bytes) -> None:
    failure = read(("kafka_original-topic", b"orders"), ("retry_topic-original-timestamp", value))
    assert failure.origin_timestamp_ms is None
    assert len(failure.errors) == 1


@pytest.mark.parametrize(
    "value", [b"", b"-1", b"1e3", b" 7", "٣".encode(), b"9" * 19, b"9" * 5000, b"\x00\x00\x00\x01"]
)
def test_what_is_no_decimal_number_is_unknown(value: bytes) -> None:
    failure = read(("mainstay-dlq-origin-topic", b"orders"), ("mainstay-dlq-origin-offset", value))
    assert failure.origin_offset is None
    assert len(failure.errors) == 1


def test_it_reads_kafka_connect() -> None:
    failure = read(
        ("__connect.errors.topic", b"old"),
        ("__connect.errors.topic", b"orders"),
        ("__connect.errors.partition", b"1"),
        ("__connect.errors.offset", b"12"),
        ("__connect.errors.connector.name", b"sink-a"),
        ("__connect.errors.stage", b"VALUE_CONVERTER"),
        ("__connect.errors.exception.class.name", b"org.apache.kafka.connect.errors.DataException"),
        ("__connect.errors.exception.message", None),
    )
    assert (failure.dialect, failure.origin_topic, failure.origin_offset) == ("kafka-connect", "orders", 12)
    assert (failure.group, failure.cause_hint, failure.error_message) == ("connect-sink-a", "format", "")


@pytest.mark.parametrize(
    ("topic", "origin"),
    [
        ("orders-dlt", "orders"),
        ("orders.DLT", "orders"),
        ("orders.payments.dlq", "orders.payments"),
        ("dead-letter-topic-orders", "orders"),
        ("dlq.orders", "orders"),
        ("orders_error", "orders"),
        ("orders", ""),
        (".dlq", ""),
    ],
)
def test_without_headers_the_topics_name_is_a_hint_and_called_a_guess(topic: str, origin: str) -> None:
    failure = read(topic=topic)
    assert failure.dialect == "unknown"
    assert failure.origin_topic == origin
    assert bool(failure.notes) == bool(origin)


def test_header_evidence_outranks_the_topics_name() -> None:
    assert read(*DLPR, topic="orders.payments.dlq").dialect == "spring-dlpr"


def test_hostile_text_comes_out_printable() -> None:
    failure = read(("mainstay-dlq-group", b"a\x00b\xff"), ("mainstay-dlq-error-message", "‮<img onerror=x>".encode()))
    assert failure.group == "a␀b�"
    assert failure.error_message == "<U+202E><img onerror=x>"


KNOWN_NAMES = [
    "mainstay-dlq-group",
    "mainstay-dlq-origin-topic",
    "mainstay-dlq-origin-partition",
    "mainstay-dlq-origin-offset",
    "mainstay-dlq-origin-timestamp",
    "mainstay-dlq-attempts",
    "mainstay-dlq-error-stack",
    "mainstay-dlq-failed-at",
    "mainstay-dlq-first-failed-at",
    "kafka_dlt-original-topic",
    "kafka_dlt-original-partition",
    "kafka_dlt-original-offset",
    "kafka_dlt-original-timestamp",
    "kafka_dlt-exception-fqcn",
    "kafka_original-topic",
    "kafka_original-partition",
    "kafka_original-offset",
    "retry_topic-attempts",
    "retry_topic-original-timestamp",
    "kafka_deliveryAttempt",
    "__connect.errors.topic",
    "__connect.errors.partition",
    "__connect.errors.offset",
    "__connect.errors.stage",
]
values = st.one_of(
    st.none(),
    st.binary(max_size=40),
    st.from_regex(rb"[0-9]{1,30}", fullmatch=True),
    st.sampled_from([b"2026-02-30T00:00:00Z", b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59-14:00"]),
)


@given(st.lists(st.tuples(st.one_of(st.sampled_from(KNOWN_NAMES), st.text(max_size=8)), values), max_size=25))
def test_no_headers_ever_break_a_dialect(headers: list[Header]) -> None:
    broken = record(*headers)
    for dialect in dialects.DIALECTS:
        failure = dialect.read(dict(broken.headers), broken)
        assert failure.dialect == dialect.NAME
        for number in (failure.origin_partition, failure.attempt):
            assert number is None or 0 <= number < 2**31
        for number in (failure.origin_offset, failure.origin_timestamp_ms):
            assert number is None or 0 <= number < 2**63
        assert "\x00" not in failure.origin_topic + failure.error_stack + failure.group
    assert dialects.pick(dict(broken.headers)) in dialects.DIALECTS


def test_every_dialect_has_its_own_name_and_the_last_takes_everything() -> None:
    names = [dialect.NAME for dialect in dialects.DIALECTS]
    assert len(set(names)) == len(names)
    assert dialects.DIALECTS[-1].recognise({})
    assert dialects.named("no such dialect").NAME == "unknown"
    assert all(dialect.NEWEST in ("first", "last") for dialect in dialects.DIALECTS)
