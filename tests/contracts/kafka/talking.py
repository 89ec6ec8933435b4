"""What the contract's tests say to any broker."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reliability.kafka import ports
from reliability.kernel.record import Record, TopicPartition
from tests.contracts.kafka.brokers import Broker

PATIENCE_S = 20.0  # a group's first join takes three seconds on one broker; nothing here takes longer in health


def group() -> str:
    """A consumer group's name that nobody used."""
    return f"c.contract-{uuid.uuid4().hex[:12]}"


def write(broker: Broker, topic: str, *values: bytes, key: bytes | None = None, partition: int = 0) -> None:
    """Send one record per value and see each acknowledged."""
    producer = broker.producer()
    deliveries: list[ports.Delivery] = []
    for value in values:
        producer.produce(topic=topic, key=key, value=value, partition=partition, on_delivery=deliveries.append)
    assert producer.close() == 0
    assert [delivery.error for delivery in deliveries] == [None] * len(values)


def poll_until(consumer: ports.Consumer, done: Callable[[list[Record]], bool], *others: ports.Consumer) -> list[Record]:
    """Poll, and let the other members live, until `done` likes what came."""
    records: list[Record] = []
    until = time.monotonic() + PATIENCE_S
    while not done(records):
        assert time.monotonic() < until, f"not within {PATIENCE_S} s; so far {records}, {consumer.errors()}"
        records += consumer.poll(max_records=100, timeout_s=0.05)
        for other in others:
            other.poll(max_records=100, timeout_s=0.0)
    return records


def accepts(consumer: ports.Consumer, offsets: dict[TopicPartition, int]) -> bool:
    """Whether the broker takes this commit of it now."""
    try:
        consumer.commit(offsets, wait=True)
    except ports.Unavailable:
        return False
    return True


def values(records: list[Record]) -> list[bytes | None]:
    """The records' values, in order."""
    return [record.value for record in records]


@contextmanager
def member(
    broker: Broker, group: str, topic: str, *, records: int, instance_id: str | None = None
) -> Iterator[ports.Consumer]:
    """A consumer of the topic that has read so many records of it."""
    consumer = broker.consumer(group, instance_id=instance_id)
    consumer.subscribe(topics=[topic])
    poll_until(consumer, lambda found: len(found) >= records)
    try:
        yield consumer
    finally:
        consumer.close()


def filled(broker: Broker, *, partitions: int = 1, each: int = 1) -> tuple[str, list[TopicPartition]]:
    """A topic with so many records in each partition."""
    topic = broker.topic(partitions=partitions)
    for number in range(partitions):
        write(broker, topic, *[b"%d" % at for at in range(each)], partition=number)
    return topic, [TopicPartition(topic, number) for number in range(partitions)]


def problem_code(told: object) -> str:
    assert isinstance(told, ports.Problem), told
    assert told.message
    return told.code
