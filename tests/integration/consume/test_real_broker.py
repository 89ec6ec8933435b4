"""What only a real broker shows: processes that die, members that come and go."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

import outbox
from outbox import queries
from outbox.consume import Consumer, Message
from reliability.kafka import clusters
from reliability.kernel import wire
from tests.integration.consume import deadly
from tests.integration.consume.shop import Shop

ROOT = Path(__file__).parents[3]
PATIENCE_S = 40.0


@pytest.fixture
def topic(transactional_db: None) -> Iterator[str]:
    name = f"c.consume-{uuid.uuid4().hex[:8]}"
    admin = clusters.admin()
    assert admin.create_topics({name: 4}) == {name: None}
    yield name
    for made in [made for made in admin.topics() if made.startswith(name)]:
        admin.delete_topic(made)


def write(topic: str, *values: bytes, partition: int | None = None) -> None:
    producer = clusters.producer(client_id="test")
    for value in values:
        producer.produce(topic=topic, key=value, value=value, partition=partition)
    assert producer.close() == 0


def test_a_record_that_kills_its_consumer_is_given_up_after_three_deaths(topic: str) -> None:
    group = f"c.{uuid.uuid4().hex[:8]}"
    write(topic, deadly.DEADLY, deadly.HARMLESS, partition=0)
    ends = [_process(group, topic) for _ in range(4)]
    assert ends == [deadly.EXIT_DIED] * 3 + [0]
    letter, handled = Shop().appended()
    assert (letter.topic, letter.value) == (f"{topic}.{group}.dlq", deadly.DEADLY)
    assert letter.first(wire.DLQ_CAUSE) == b"resource"
    assert letter.first(wire.DLQ_ERROR_TYPE) == b"reliability.kafka.failure.KilledTheConsumer"
    assert b"killed the consumer 3 times" in (letter.first(wire.DLQ_ERROR_MESSAGE) or b"")
    assert handled.value == deadly.HARMLESS


def _process(group: str, topic: str) -> int:
    """Run one process of the service to its end; its exit code."""
    of = connection.settings_dict
    address = f"postgresql://{of['USER']}:{of['PASSWORD']}@{of['HOST']}:{of['PORT']}/{of['NAME']}"
    environment = {
        **os.environ,
        "DATABASE_URL": address,
        "KAFKA_BOOTSTRAP_SERVERS": settings.KAFKA_CLUSTERS["main"]["bootstrap.servers"],
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    command = [sys.executable, "-m", "tests.integration.consume.deadly", group, topic]
    return subprocess.run(command, cwd=ROOT, env=environment, timeout=PATIENCE_S, check=False).returncode


def test_members_come_and_go_and_each_message_is_handled_once(topic: str) -> None:
    group = f"c.{uuid.uuid4().hex[:8]}"
    values = [b"%d" % number for number in range(400)]
    write(topic, *values[:100])
    with contextlib.ExitStack() as exits:
        first = exits.enter_context(contextlib.closing(Member(group, topic)))
        _wait(lambda: len(first.ids) == 100)
        second = exits.enter_context(contextlib.closing(Member(group, topic)))
        write(topic, *values[100:200])  # handled while the partitions move
        _wait(lambda: second.partitions == 2 and first.partitions == 2)
        write(topic, *values[200:300])
        _wait(lambda: len(second.ids) >= 20)
        write(topic, *values[300:])
        first.close()  # in the midst of it
        _wait(lambda: len(first.ids) + len(second.ids) >= 400)
    assert sorted(row.value or b"" for row in Shop().appended()) == sorted(values)
    assert len(queries.inbox_states(group, first.ids + second.ids)) == 400
    committed = clusters.admin().group_offsets(group)
    assert sum(committed.values()) == 400, "what was handled is committed before a member goes"


@pytest.mark.parametrize("quickly", [True, False], ids=["before it is noticed", "slowly"])
def test_a_recreated_topic_is_read_whole_and_not_taken_for_the_old_one(topic: str, quickly: bool) -> None:
    """Quickly, the new topic is longer than the old one before the next fetch, so no lower offset shows it."""
    group = f"c.{uuid.uuid4().hex[:8]}"
    new = [b"new 0", b"new 1", b"new 2"]
    with contextlib.closing(Member(group, topic)) as member:
        write(topic, b"old 0", b"old 1", partition=0)
        _wait(lambda: len(member.ids) == 2)
        clusters.admin().delete_topic(topic)
        clusters.admin().create_topics({topic: 4})
        if not quickly:
            time.sleep(3)
        write(topic, *new, partition=0)
        _wait(lambda: {row.value for row in Shop().appended()} >= set(new))
    handled = [row.value for row in Shop().appended()]
    assert handled[:2] == [b"old 0", b"old 1"]
    assert handled[-3:] == new


class Member:
    """One consumer of the group on a thread of its own."""

    def __init__(self, group: str, topic: str) -> None:
        self.ids: list[str] = []
        self._stop = threading.Event()
        self._consumer = Consumer(group=group, topics=[topic], handler=self._handle)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def partitions(self) -> object:
        """How many partitions it owns."""
        return self._consumer.facts()["partitions"]

    def close(self) -> None:
        """Stop in an orderly way."""
        self._stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._consumer.run(self._stop)
        finally:
            connection.close()

    def _handle(self, message: Message) -> None:
        outbox.append(topic="handled", value=message.value)
        self.ids.append(message.message_id)
        time.sleep(0.005)


def _wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)
