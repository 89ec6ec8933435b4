"""The headers that a replay sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlq.domain import dialects, strip
from reliability.kernel import wire
from reliability.kernel.record import Header

OWN: list[Header] = [
    ("content-type", b"application/json"),
    ("traceparent", b"00-1-2-01"),
    ("x", b"1"),
    ("x", None),
    ("x", b""),
    ("mainstay-event-id", b"e"),
    ("mainstay-number", b"main/1/1/7"),
]


def test_everything_else_survives_in_order_with_duplicates_null_and_empty() -> None:
    failure: list[Header] = [("kafka_dlt-original-topic", b"orders"), ("kafka_dlt-exception-fqcn", b"E")]
    assert strip.stripped([failure[0], *OWN, failure[1]], dialect="spring-dlpr") == tuple(OWN)


@pytest.mark.parametrize(
    ("dialect", "header"),
    [
        ("spring-retry", "retry_topic-attempts"),
        ("spring-retry", "retry_topic-original-timestamp"),
        ("spring-retry", "retry_topic-backoff-timestamp"),
        ("spring-retry", "kafka_original-topic"),
        ("spring-retry", "kafka_exception-stacktrace"),
        ("spring-retry", "kafka_key-exception-fqcn"),
        ("spring-dlpr", "kafka_dlt-original-offset"),
        ("spring-dlpr", "springDeserializerExceptionValue"),
        ("kafka-connect", "__connect.errors.topic"),
        ("mainstay", "mainstay-dlq-error-stack"),
        ("unknown", "mainstay-dlq-group"),
        ("unknown", "mainstay-message-id"),
        ("unknown", "mainstay-attempt"),
        ("unknown", "mainstay-replay"),
        ("unknown", "mainstay-target-group"),
    ],
)
def test_it_strips_what_would_make_the_replay_lie_or_die(dialect: str, header: str) -> None:
    assert strip.stripped([*OWN, (header, b"\x00\x01")], dialect=dialect) == tuple(OWN)


def test_it_leaves_another_dialects_headers_alone() -> None:
    assert strip.stripped([("kafka_dlt-original-topic", b"t")], dialect="kafka-connect") != ()


@given(st.lists(st.tuples(st.text(max_size=8), st.none() | st.binary(max_size=8)), max_size=8))
def test_stripping_twice_is_stripping_once(headers: list[Header]) -> None:
    for dialect in dialects.DIALECTS:
        once = strip.stripped(headers, dialect=dialect.NAME)
        assert strip.stripped(once, dialect=dialect.NAME) == once


def test_it_adds_nothing_but_the_lineage() -> None:
    headers = strip.lineage(message_id="e-1", attempt=2, run=7, item=9, target_group="")
    assert headers == ((wire.MESSAGE_ID, b"e-1"), (wire.ATTEMPT, b"2"), (wire.REPLAY, b"7/9"))
    assert strip.lineage(message_id="e", attempt=1, run=1, item=1, target_group="g")[-1] == (wire.TARGET_GROUP, b"g")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"7/9", (7, 9)),
        (b"7", None),
        (b"7/x", None),
        (None, None),
        (b"", None),
        (b"-1/2", None),
        (b"1/" + b"9" * 30, None),
    ],
)
def test_it_reads_its_own_replay_header_and_no_other(value: bytes | None, expected: tuple[int, int] | None) -> None:
    assert strip.parse_replay(value) == expected
