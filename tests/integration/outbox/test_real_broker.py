"""The relay on Kafka itself: what the broker refuses, and what the client does with what travels beside it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from django.conf import settings

import outbox
from outbox import queries, relay
from outbox.domain.event import DEFAULT_LIMIT_BYTES, TooLarge
from outbox.operations import limits
from outbox.relay import hosting, topics
from reliability.kafka import clusters
from reliability.kernel.record import Record, TopicPartition
from tests.support.outbox import append
from tests.support.waiting import wait_until


@pytest.fixture
def worker() -> Iterator[relay.Relay]:
    made = relay.of_this_process(hosting="process")
    yield made
    made.close()


@pytest.fixture
def topic() -> Iterator[str]:
    """A topic that takes records of up to 2,000 bytes."""
    name, admin = f"outbox-{uuid.uuid4().hex[:8]}", AdminClient(settings.KAFKA_CLUSTERS["main"])
    made = NewTopic(name, num_partitions=2, replication_factor=1, config={"max.message.bytes": "2000"})
    admin.create_topics([made])[name].result(20)
    wait_until(lambda: clusters.admin().partition_count(name) == 2, within_s=20, what="the topic is there")
    yield name
    admin.delete_topics([name])[name].result(20)


def drain(worker: relay.Relay, *, within_s: float = 30.0) -> None:
    until = time.monotonic() + within_s
    while worker.step() or queries.backlog(_now()).events:
        assert time.monotonic() < until, "still not sent"


def _now():
    return topics.clock.SYSTEM.now()


def records(topic: str) -> list[Record]:
    places = [TopicPartition(topic, number) for number in range(2)]
    reader, ends = clusters.reader(client_id="test"), clusters.admin().end_offsets(places)
    found = [record for place in places for record in reader.read(place, 0, ends[place], deadline_s=20)]
    reader.close()
    return found


def events(topic: str, *values: tuple[bytes, bytes], receipt: bool = False) -> list[outbox.Event]:
    return [outbox.Event(topic=topic, key=key, value=value, receipt=receipt) for key, value in values]


def test_events_arrive_with_receipts(worker, topic):
    ids = append(*events(topic, *[(str(n % 7).encode(), str(n).encode()) for n in range(200)], receipt=True))
    drain(worker)
    found = records(topic)
    assert sorted(int(record.value or b"") for record in found) == list(range(200))
    at = {(record.partition, record.offset): record.value for record in found}
    receipts = queries.receipts(ids)
    assert [at[receipts[id_].partition, receipts[id_].offset] for id_ in ids] == [str(n).encode() for n in range(200)]


def test_what_is_too_large_for_the_topic_is_parked_before_it_is_sent(worker, topic):
    relays_own = clusters.admin(answer_s=hosting.ADMIN_ANSWER_S)
    wait_until(lambda: relays_own.partition_count(topic) == 2, within_s=20, what="the relay's admin knows the topic")
    assert limits.of(topic) == DEFAULT_LIMIT_BYTES  # what this writer believes for a while
    worker.step()  # asks for the topics' limits
    append(*events(topic, (b"a", b"x" * 1_900), (b"a", b"2"), (b"b", b"3")))
    drain(worker)
    assert [record.value for record in records(topic)] == [b"3"]
    assert [(row.code, row.number) for row in queries.parked()] == [("too_large", ""), ("behind", "")]
    limits.forget()
    with pytest.raises(TooLarge, match="which takes 1,744"):
        append(*events(topic, (b"a", b"x" * 1_900)))


def test_what_only_the_broker_finds_too_large_parks_its_key_and_nobody_else(worker, topic, monkeypatch):
    monkeypatch.setattr(topics.Topics, "limit_bytes", lambda self, name: 1 << 30)
    others = [(f"other-{n}".encode(), b"fine") for n in range(40)]
    append(*events(topic, *others[:20], (b"a", b"1"), (b"a", b"x" * 3_000), (b"a", b"3"), *others[20:]))
    drain(worker)
    found = records(topic)
    assert sorted(record.key or b"" for record in found) == sorted([key for key, _ in others] + [b"a"])
    assert [record.value for record in found if record.key == b"a"] == [b"1"]
    assert [(row.code, row.behind) for row in queries.parked()] == [("msg_size_too_large", False), ("behind", True)]


def test_a_topic_that_went_away_behind_our_back_parks_its_events_within_seconds(worker, topic, monkeypatch):
    partitions = topics.Topics.partitions
    monkeypatch.setattr(
        topics.Topics, "partitions", lambda self, name: 2 if name.startswith("gone") else partitions(self, name)
    )
    gone = f"gone-{uuid.uuid4().hex[:8]}"
    append(*events(gone, *[(str(n).encode(), b"v") for n in range(30)]), *events(topic, (b"a", b"fine")))
    began = time.monotonic()
    drain(worker)
    assert time.monotonic() - began < 15
    assert [record.value for record in records(topic)] == [b"fine"]
    assert len(queries.parked()) == 30
