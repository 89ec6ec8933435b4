"""The letters process against Kafka: found by pattern, stored before committed, nothing skipped."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import Settings

from dlq import handlers
from dlq.models import Letter, Source
from dlq.operations import ingest
from dlq.queries import sources
from reliability.kafka import clusters
from reliability.kernel.record import Header, TopicPartition
from tests.support import raw_kafka
from tests.support.letters import headers

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_S = 40.0


@pytest.fixture(params=["memory", "confluent"])
def prefix(request: pytest.FixtureRequest, settings: Settings) -> Iterator[str]:
    """What the names of a test's topics begin with; on each broker."""
    name = f"e.{uuid.uuid4().hex[:8]}"
    settings.KAFKA_BACKEND = request.param
    settings.DLQ_TOPIC_PATTERNS = [rf"^{name}\..*\.dlq$"]
    settings.DLQ_READER_GROUP = f"{name}.letters"
    yield name
    admin = clusters.admin()
    for topic in admin.topics():
        if topic.startswith(name):
            admin.delete_topic(topic)
    clusters.forget_memory()


@pytest.fixture
def letters(prefix: str) -> Iterator[handlers.Letters]:
    reading = handlers.Letters()
    yield reading
    reading.close()


def produce(topic: str, *values: bytes, extra: Sequence[Header] = ()) -> None:
    producer = clusters.producer(client_id="test")
    for value in values:
        producer.produce(topic=topic, key=b"k", value=value, headers=(*headers(origin_offset=""), *extra), partition=0)
    assert producer.flush(10) == 0
    producer.close()


def create(topic: str) -> None:
    """Create a topic; one of that name may still be going away."""
    deadline = time.monotonic() + PATIENCE_S
    while clusters.admin().create_topics({topic: 1})[topic] is not None:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def read_until(reading: handlers.Letters, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, dict(reading.facts())
        reading.step()


def values(topic: str) -> list[bytes]:
    return [bytes(value) for value in Letter.objects.filter(topic=topic).order_by("id").values_list("value", flat=True)]


def committed(topic: str) -> int | None:
    partition = TopicPartition(topic, 0)
    return clusters.admin().committed(sources.reader_group(), [partition])[partition]


def test_it_stores_every_topic_of_the_pattern_and_then_commits(prefix: str, letters: handlers.Letters) -> None:
    topics = [f"{prefix}.orders.dlq", f"{prefix}.refunds.dlq"]
    for topic in (*topics, f"{prefix}.orders"):
        create(topic)
        produce(topic, b"1", b"2", b"3", extra=(("odd", b"\x00\xff"), ("odd", None)))
    read_until(letters, lambda: Letter.objects.count() == 6)
    assert values(topics[0]) == values(topics[1]) == [b"1", b"2", b"3"]
    assert set(Source.objects.values_list("topic", flat=True)) == set(topics)
    read_until(letters, lambda: committed(topics[0]) == committed(topics[1]) == 3)
    assert letters.facts()["letters_stored"] == 6


def test_a_topic_that_appears_later_is_found(prefix: str, letters: handlers.Letters) -> None:
    letters.step()
    create(f"{prefix}.late.dlq")
    produce(f"{prefix}.late.dlq", b"1")
    read_until(letters, lambda: values(f"{prefix}.late.dlq") == [b"1"])


def test_what_cannot_be_stored_is_read_again_and_its_offset_not_committed(
    prefix: str, letters: handlers.Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = f"{prefix}.orders.dlq"
    create(topic)
    produce(topic, b"1", b"2")
    store, failures = ingest.store, []

    def fail_twice(*args: Any, **kwargs: Any) -> ingest.Stored:
        if len(failures) < 2:
            failures.append(committed(topic))
            raise OperationalError("the connection is lost")
        return store(*args, **kwargs)

    monkeypatch.setattr(ingest, "store", fail_twice)
    read_until(letters, lambda: values(topic) == [b"1", b"2"])
    assert failures == [None, None]


def test_a_restart_goes_on_where_it_was_and_stores_nothing_twice(prefix: str, letters: handlers.Letters) -> None:
    topic = f"{prefix}.orders.dlq"
    create(topic)
    produce(topic, b"1", b"2")
    read_until(letters, lambda: len(values(topic)) == 2)
    letters.close()
    produce(topic, b"3")
    again = handlers.Letters()
    read_until(again, lambda: len(values(topic)) == 3)
    again.close()
    assert again.facts()["letters_stored"] == 1
    assert committed(topic) == 3


@pytest.mark.parametrize("idle", [True, False], ids=["never_read", "read"])
def test_a_topic_deleted_and_recreated_under_it_is_another_topic(
    prefix: str, letters: handlers.Letters, idle: bool
) -> None:
    topic = f"{prefix}.orders.dlq"
    create(topic)
    if not idle:
        produce(topic, b"old 1", b"old 2")
    read_until(letters, lambda: Source.objects.exists() and len(values(topic)) == (0 if idle else 2))
    clusters.admin().delete_topic(topic)
    create(topic)
    produce(topic, b"new 1", b"new 2", b"new 3")
    wanted = [b"new 1", b"new 2", b"new 3"]
    read_until(letters, lambda: values(topic)[-3:] == wanted)
    newest = Source.objects.order_by("id").last()
    assert newest is not None
    assert newest.replaced_id != ""
    assert set(Letter.objects.filter(value__in=wanted).values_list("topic_id", flat=True)) == {newest.topic_id}
    assert len(values(topic)) == (3 if idle else 5)


@pytest.mark.parametrize("prefix", ["confluent"], indirect=True)
@pytest.mark.parametrize("new", [2, 3, 5], ids=["shorter", "as_long", "longer"])
def test_a_topic_recreated_between_two_polls_is_read_from_its_beginning(
    prefix: str, letters: handlers.Letters, new: int
) -> None:
    topic = f"{prefix}.orders.dlq"
    create(topic)
    produce(topic, b"old 0", b"old 1", b"old 2")
    read_until(letters, lambda: len(values(topic)) == 3)
    clusters.admin().delete_topic(topic)
    create(topic)
    produce(topic, *(b"new %d" % number for number in range(new)))
    read_until(letters, lambda: len(values(topic)) == 3 + new)
    rows = Letter.objects.values_list("value", "topic_id")
    ids = [{topic_id for value, topic_id in rows if bytes(value).startswith(kind)} for kind in (b"old", b"new")]
    assert [len(each) for each in ids] == [1, 1]
    assert ids[0] != ids[1]


def test_a_topic_deleted_under_it_harms_no_other(prefix: str, letters: handlers.Letters) -> None:
    gone, kept = f"{prefix}.gone.dlq", f"{prefix}.kept.dlq"
    for topic in (gone, kept):
        create(topic)
        produce(topic, b"1")
    read_until(letters, lambda: Letter.objects.count() == 2)
    clusters.admin().delete_topic(gone)
    for _ in range(3):
        letters.step()
    produce(kept, b"2")
    read_until(letters, lambda: values(kept) == [b"1", b"2"])


@pytest.mark.parametrize("prefix", ["confluent"], indirect=True)
def test_a_header_name_that_is_no_text_costs_the_headers_but_not_the_letter(
    prefix: str, letters: handlers.Letters, settings: Settings
) -> None:
    topic = f"{prefix}.orders.dlq"
    create(topic)
    servers = settings.KAFKA_CLUSTERS["main"]["bootstrap.servers"]
    raw_kafka.produce(servers, topic=topic, key=b"k", value=b"1", headers=[(b"\xff\xfe", b"x"), (b"good", b"y")])
    produce(topic, b"2")
    read_until(letters, lambda: values(topic) == [b"1", b"2"])
    first, second = Letter.objects.order_by("offset")
    assert (first.headers_unreadable, second.headers_unreadable) == (True, False)


@pytest.mark.parametrize("prefix", ["memory"], indirect=True)
def test_while_the_broker_is_away_it_waits_and_then_goes_on(prefix: str, letters: handlers.Letters) -> None:
    topic = f"{prefix}.orders.dlq"
    create(topic)
    produce(topic, b"1")
    read_until(letters, lambda: values(topic) == [b"1"])
    produce(topic, b"2")
    log = clusters.memory_broker().log
    log.away = True
    for _ in range(3):
        letters.step()
    log.away = False
    read_until(letters, lambda: values(topic) == [b"1", b"2"])
