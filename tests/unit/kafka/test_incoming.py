"""What a record's headers say, whoever wrote them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reliability.kafka import incoming
from reliability.kafka.incoming import Origin
from reliability.kernel import wire
from tests.unit.kafka.fakes import record

TOLD = [
    (wire.DLQ_ORIGIN_TOPIC, b"orders"),
    (wire.DLQ_ORIGIN_PARTITION, b"3"),
    (wire.DLQ_ORIGIN_OFFSET, b"44"),
    (wire.DLQ_ORIGIN_TIMESTAMP, b"99"),
    (wire.DLQ_FIRST_FAILED_AT, b"1234"),
]


def test_a_plain_record_is_its_own_origin_at_its_first_attempt() -> None:
    one = incoming.incoming(record(5, topic="orders", partition=2))
    assert (one.message_id, one.attempt, one.target_group) == ("orders/2/5", 1, None)
    assert one.origin == Origin(topic="orders", partition=2, offset=5, timestamp_ms=1_000)


def test_the_ids_are_asked_in_their_order() -> None:
    ids = [(wire.EVENT_ID, b"event"), ("ce_id", b"cloud"), (wire.MESSAGE_ID, b"message")]
    assert incoming.incoming(record(headers=ids)).message_id == "message"
    assert incoming.incoming(record(headers=ids[:2])).message_id == "event"
    assert incoming.incoming(record(headers=ids[1:2])).message_id == "cloud"
    assert incoming.incoming(record(headers=[("ce_id", b""), ("ce_id", None)])).message_id == "orders/0/0"


def test_a_cloudevents_id_counts_together_with_its_source() -> None:
    def told(source: bytes, name: bytes) -> str:
        return incoming.incoming(record(headers=[("ce_source", source), ("ce_id", name)])).message_id

    assert told(b"/shop-a", b"77") == "/shop-a 77"
    assert told(b"/shop-a", b"77") != told(b"/shop-b", b"77")
    assert told(b"a b", b"c") != told(b"a", b"b c")
    assert told(b"", b"77") == "77"


def test_an_id_that_is_too_long_is_replaced_by_its_hash() -> None:
    long = incoming.incoming(record(headers=[(wire.MESSAGE_ID, b"x" * 10_000_000)])).message_id
    assert long.startswith("sha256:")
    assert len(long) == len("sha256:") + 64


def test_ids_that_are_no_text_stay_different() -> None:
    ids = {incoming.incoming(record(headers=[(wire.MESSAGE_ID, value)])).message_id for value in (b"\xff", b"\xfe")}
    assert len(ids) == 2


def test_only_a_retry_topic_is_believed_about_the_origin() -> None:
    from_retry = incoming.incoming(record(7, headers=TOLD), from_retry=True)
    assert from_retry.origin == Origin(topic="orders", partition=3, offset=44, timestamp_ms=99)
    assert (from_retry.message_id, from_retry.first_failed_ms) == ("orders/3/44", 1234)
    elsewhere = incoming.incoming(record(7, headers=TOLD))
    assert elsewhere.origin == Origin(topic="orders", partition=0, offset=7, timestamp_ms=1_000)
    assert (elsewhere.message_id, elsewhere.first_failed_ms) == ("orders/0/7", None)


HEADER_NAMES = [wire.MESSAGE_ID, wire.ATTEMPT, wire.TARGET_GROUP, *(name for name, _ in TOLD)]


@given(
    st.lists(st.tuples(st.sampled_from(HEADER_NAMES), st.none() | st.binary(max_size=40)), max_size=12), st.booleans()
)
def test_no_headers_make_it_fail(headers: list[tuple[str, bytes | None]], from_retry: bool) -> None:
    one = incoming.incoming(record(headers=headers), from_retry=from_retry)
    assert one.message_id
    assert one.message_id.encode()
    assert 1 <= one.attempt <= incoming.ATTEMPT_MAX
    assert len(one.origin.topic.encode()) <= 4 * wire.TOPIC_NAME_MAX
