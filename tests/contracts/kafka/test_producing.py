"""The producer's part of the contract."""

from __future__ import annotations

import pytest

from reliability.kafka import ports
from reliability.kernel import murmur
from reliability.kernel.record import Header, Outgoing, TopicPartition
from tests.contracts.kafka import talking
from tests.contracts.kafka.brokers import LARGE, MAKES_TOPICS, REFUSES_UNKNOWN, Broker, needs

ODD_HEADERS: tuple[Header, ...] = (
    ("twice", b"1"),
    ("twice", b"2"),
    ("empty", b""),
    ("null", None),
    ("", b"nameless"),
    ("größe", b"\x00\xff not text"),
)


@pytest.mark.parametrize(
    ("key", "value"), [(None, None), (b"", b""), (b"\xff\x00", None), (None, b"\x00\xff"), (b"k", b"<b>v</b>")]
)
def test_a_record_arrives_byte_for_byte(broker: Broker, key: bytes | None, value: bytes | None) -> None:
    topic = broker.topic()
    deliveries: list[ports.Delivery] = []
    producer = broker.producer()
    producer.produce(
        topic=topic,
        key=key,
        value=value,
        headers=ODD_HEADERS,
        partition=0,
        timestamp_ms=1_234_567_890_123,
        on_delivery=deliveries.append,
    )
    assert producer.flush(20) == 0

    [delivery] = deliveries
    assert (delivery.topic, delivery.partition, delivery.error) == (topic, 0, None)
    [record] = broker.reader().read(TopicPartition(topic, 0), delivery.offset, delivery.offset + 1, deadline_s=20)
    assert (record.key, record.value, record.headers, record.timestamp_ms) == (
        key,
        value,
        ODD_HEADERS,
        1_234_567_890_123,
    )
    assert not record.headers_unreadable


def test_a_record_without_headers_has_none(broker: Broker) -> None:
    topic = broker.topic()
    talking.write(broker, topic, b"plain")
    [record] = broker.reader().read(TopicPartition(topic, 0), 0, 1, deadline_s=20)
    assert record.headers == ()
    assert record.timestamp_ms is not None


def test_records_of_a_partition_keep_their_order_and_each_is_acknowledged_once(broker: Broker) -> None:
    topic = broker.topic()
    producer = broker.producer()
    offsets: list[int] = []
    for number in range(300):
        producer.produce(
            topic=topic,
            key=None,
            value=b"%d" % number,
            partition=0,
            on_delivery=lambda delivery: offsets.append(delivery.offset),
        )
        producer.poll()
    assert producer.flush(20) == 0
    assert offsets == list(range(300))
    read = broker.reader().read(TopicPartition(topic, 0), 0, 300, deadline_s=20)
    assert [record.value for record in read] == [b"%d" % number for number in range(300)]


def test_many_are_queued_until_one_cannot_be_and_each_is_answered_with_its_place(broker: Broker) -> None:
    topic = broker.topic()
    odd = list(ODD_HEADERS)
    records = [Outgoing(topic, 0, b"k", b"%d" % number, odd, 1_234 + number) for number in range(4)]
    records.insert(2, Outgoing(topic, 0, None, b"x" * (13 * 1024 * 1024), [], None))
    answers: list[tuple[int, int, ports.DeliveryError | None]] = []
    producer = broker.producer()

    def answered(place: int, offset: int, error: ports.DeliveryError | None) -> None:
        answers.append((place, offset, error))

    stopped = producer.produce_many(records, start=0, on_answer=answered)
    if stopped < 5:  # where the client itself refuses; the broker in memory answers instead
        assert stopped == 2
        assert producer.produce_many(records, start=3, on_answer=answered) == 5
    assert producer.flush(20) == 0
    assert [answer for answer in answers if answer[2] is None] == [
        (0, 0, None),
        (1, 1, None),
        (3, 2, None),
        (4, 3, None),
    ]
    read = list(broker.reader().read(TopicPartition(topic, 0), 0, 4, deadline_s=20))
    assert [(record.value, record.headers, record.timestamp_ms) for record in read] == [
        (b"%d" % number, ODD_HEADERS, 1_234 + number) for number in range(4)
    ]


@needs(MAKES_TOPICS)
def test_a_key_goes_where_java_would_send_it(broker: Broker) -> None:
    topic = broker.topic(partitions=7)
    producer = broker.producer()
    went: dict[bytes, int] = {}
    keys = [b"", b"a", b"order-17", b"\xff\xfe", "straße".encode(), b"0123456789" * 9]
    for key in keys:
        producer.produce(
            topic=topic,
            key=key,
            value=b"",
            on_delivery=lambda delivery, key=key: went.__setitem__(key, delivery.partition),
        )
    assert producer.flush(20) == 0
    assert went == {key: murmur.partition_for(key, 7) for key in keys}


@needs(LARGE)
def test_a_record_of_ten_megabytes_passes(broker: Broker) -> None:
    topic = broker.topic()
    value = b"\x00\xff" * 5_000_000
    talking.write(broker, topic, value)
    [record] = broker.reader().read(TopicPartition(topic, 0), 0, 1, deadline_s=30)
    assert record.value == value


def test_a_record_that_is_too_large_is_refused_for_good(broker: Broker) -> None:
    refusal = _refusal(broker, topic=broker.topic(), value=b"x" * (13 * 1024 * 1024))
    assert (refusal.code, refusal.permanent) == ("MSG_SIZE_TOO_LARGE", True)


@needs(MAKES_TOPICS)
def test_a_partition_that_does_not_exist_is_refused_for_good(broker: Broker) -> None:
    topic = broker.topic(partitions=2)
    talking.write(broker, topic, b"so that the client knows the topic")
    assert _refusal(broker, topic=topic, value=b"", partition=2).permanent


@needs(REFUSES_UNKNOWN)
def test_a_topic_that_does_not_exist_is_refused_for_good(broker: Broker) -> None:
    assert _refusal(broker, topic="nobody-made-this", value=b"").permanent


@pytest.mark.parametrize("name", ["cut\x00here", "lone \ud800 surrogate"])
def test_a_header_name_the_client_cannot_say_is_refused_before_it_is_cut(broker: Broker, name: str) -> None:
    topic = broker.topic()
    with pytest.raises(ports.Rejected) as refused:
        broker.producer().produce(topic=topic, key=None, value=b"", headers=[(name, b"")], partition=0)
    assert refused.value.error.permanent


def test_what_a_dead_broker_does_not_take_is_given_back_as_transient(broker: Broker) -> None:
    producer = broker.dead_producer()
    deliveries: list[ports.Delivery] = []
    for _ in range(3):
        producer.produce(topic="any", key=None, value=b"", on_delivery=deliveries.append)
    assert producer.flush(0.2) == 3
    assert deliveries == []
    assert producer.close(0.1) == 3
    assert [delivery.error is not None and not delivery.error.permanent for delivery in deliveries] == [True] * 3


def _refusal(broker: Broker, *, topic: str, value: bytes, partition: int | None = None) -> ports.DeliveryError:
    """Why the record was refused, at once or by the broker."""
    producer = broker.producer()
    deliveries: list[ports.Delivery] = []
    try:
        producer.produce(topic=topic, key=b"k", value=value, partition=partition, on_delivery=deliveries.append)
    except ports.Rejected as rejected:
        return rejected.error
    assert producer.flush(20) == 0
    [delivery] = deliveries
    assert delivery.error is not None
    assert delivery.offset == -1
    return delivery.error
