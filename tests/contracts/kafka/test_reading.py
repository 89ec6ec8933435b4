"""The reader's part of the contract."""

from __future__ import annotations

import pytest

from reliability.kafka import ports
from reliability.kernel.record import TopicPartition
from tests.contracts.kafka import talking
from tests.contracts.kafka.brokers import EXPIRES, Broker, needs


def test_it_reads_exactly_the_range(broker: Broker) -> None:
    topic = broker.topic()
    talking.write(broker, topic, *[b"%d" % number for number in range(10)])
    reader = broker.reader()
    read = list(reader.read(TopicPartition(topic, 0), 3, 7, deadline_s=20))
    assert [(record.offset, record.value) for record in read] == [(n, b"%d" % n) for n in range(3, 7)]
    [last] = reader.read(TopicPartition(topic, 0), 9, 10, deadline_s=20)
    assert last.value == b"9"
    reader.close()


def test_an_empty_range_has_no_records_and_asks_nobody(broker: Broker) -> None:
    assert list(broker.reader().read(TopicPartition("nobody-made-this", 0), 5, 5, deadline_s=0)) == []


def test_what_lies_beyond_the_end_is_unreadable_rather_than_absent(broker: Broker) -> None:
    topic = broker.topic()
    talking.write(broker, topic, b"only")
    with pytest.raises(ports.Unreadable):
        list(broker.reader().read(TopicPartition(topic, 0), 0, 5, deadline_s=3))


def test_a_partition_that_does_not_exist_is_unreadable(broker: Broker) -> None:
    topic = broker.topic()
    talking.write(broker, topic, b"only")
    with pytest.raises(ports.Unreadable):
        list(broker.reader().read(TopicPartition(topic, 99), 0, 1, deadline_s=1))


@needs(EXPIRES)
def test_what_retention_took_is_unreadable_rather_than_absent(broker: Broker) -> None:
    topic = broker.topic()
    talking.write(broker, topic, b"0", b"1", b"2", b"3")
    broker.expire(TopicPartition(topic, 0), 2)
    with pytest.raises(ports.Unreadable):
        list(broker.reader().read(TopicPartition(topic, 0), 1, 4, deadline_s=3))
    kept = broker.reader().read(TopicPartition(topic, 0), 2, 4, deadline_s=20)
    assert [record.value for record in kept] == [b"2", b"3"]


def test_a_header_name_that_is_no_text_costs_the_headers_and_nothing_else(broker: Broker) -> None:
    topic = broker.topic()
    broker.unreadable(topic, key=b"k", value=None)
    talking.write(broker, topic, b"after")
    odd, after = broker.reader().read(TopicPartition(topic, 0), 0, 2, deadline_s=20)
    assert (odd.key, odd.value, odd.headers, odd.headers_unreadable) == (b"k", None, (), True)
    assert (after.value, after.headers_unreadable) == (b"after", False)
