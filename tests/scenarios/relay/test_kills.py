"""Relays die at every boundary of persistence, and at random, while writers write; the topic tells what came of it."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection, transaction

import outbox
from outbox import queries
from outbox.domain.event import sha256_of
from reliability.kafka.confluent import Admin, Reader
from reliability.kernel import clock, failpoint, wire
from reliability.kernel.record import Record, TopicPartition
from tests.scenarios.tally import TALLY
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(240)]

WRITERS = 3
KEYS_EACH = 8
PAUSE_S = 0.012

PLACES = (
    "relay.in_begin",
    "relay.after_begin",
    "relay.after_search",
    "relay.after_produce:2",
    "relay.after_delivery:2",
    "relay.in_finish:2",
    "relay.after_finish",
)


@dataclass
class Written:
    """What was committed: per key the values in order, and the ids of the events that asked for a receipt."""

    values: dict[bytes, list[int]] = field(default_factory=lambda: defaultdict(list))
    receipts: dict[UUID, tuple[bytes, int]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(len(values) for values in self.values.values())


def write(topic: str, number: int, stop: threading.Event, written: Written) -> None:
    """Each key has one writer, so the order of its values is the order of their commits; some transactions last."""
    chance = random.Random(number)
    try:
        while not stop.is_set():
            key = f"key-{number}-{chance.randrange(KEYS_EACH)}".encode()
            value = len(written.values[key])
            with transaction.atomic():
                id_ = outbox.append(topic=topic, key=key, value=str(value).encode(), receipt=value % 2 == 0)
                time.sleep(PAUSE_S * (10 if chance.random() < 0.02 else 1))
            written.values[key].append(value)
            if value % 2 == 0:
                written.receipts[id_] = (key, value)
    finally:
        connection.close()


@pytest.fixture
def writers(topic):
    stop, written = threading.Event(), Written()
    threads = [threading.Thread(target=write, args=(topic, n, stop, written)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()

    def finish() -> Written:
        stop.set()
        for thread in threads:
            thread.join(10)
        return written

    yield finish
    finish()


def everything_is_sent() -> bool:
    return queries.backlog(clock.SYSTEM.now()).events == 0


def sent() -> int:
    return sum(row.sent for row in queries.shards(clock.SYSTEM.now()))


def read(topic: str) -> list[Record]:
    profile = {"bootstrap.servers": settings.KAFKA_CLUSTERS["main"]["bootstrap.servers"]}
    places = [TopicPartition(topic, number) for number in range(3)]
    ends = Admin(profile, client_id="checker").end_offsets(places)
    reader = Reader(profile, client_id="checker")
    try:
        return [record for place in places for record in reader.read(place, 0, ends[place], deadline_s=30)]
    finally:
        reader.close()


def check(topic: str, written: Written) -> None:
    """Nothing lost, the order of every key kept, numbers dense, receipts true and never for two."""
    records = read(topic)
    seen: dict[bytes, list[int]] = defaultdict(list)
    for record in records:
        seen[record.key or b""].append(int(record.value or b""))
    sent = sum(len(set(values)) for values in seen.values())
    TALLY.scenarios += 1
    TALLY.add("relayed events", total=written.count, lost=written.count - sent)
    TALLY.note("relayed events sent again after a kill (at least once, under their first number)", len(records) - sent)
    assert {key: list(dict.fromkeys(values)) for key, values in seen.items()} == dict(written.values)
    _check_numbers(records)
    _check_receipts(records, written)


def _check_numbers(records: list[Record]) -> None:
    owners: dict[tuple[int, str], set[bytes | None]] = defaultdict(set)
    origins: dict[tuple[int, str], set[int]] = defaultdict(set)
    for record in records:
        number = (wire.last(record.headers, wire.NUMBER) or b"").decode()
        origin, _, n = number.rpartition("/")
        owners[record.partition, number].add(wire.last(record.headers, wire.EVENT_ID))
        origins[record.partition, origin].add(int(n))
    assert all(len(events) == 1 for events in owners.values()), "one number, two events"
    assert all(numbers == set(range(1, len(numbers) + 1)) for numbers in origins.values()), "a gap in the numbers"


def _check_receipts(records: list[Record], written: Written) -> None:
    at = {(record.partition, record.offset): record for record in records}
    times_sent: dict[bytes | None, int] = defaultdict(int)
    for record in records:
        times_sent[wire.last(record.headers, wire.EVENT_ID)] += 1
    receipts = queries.receipts(written.receipts.keys())
    assert receipts.keys() == written.receipts.keys()
    for id_, (key, value) in written.receipts.items():
        receipt = receipts[id_]
        assert receipt.state == "sent", receipt
        record = at[receipt.partition or 0, receipt.offset or 0]
        assert (record.key, record.value) == (key, str(value).encode())
        assert sha256_of(key=record.key, value=record.value, headers=record.headers) == receipt.sha256
        assert times_sent[str(id_).encode()] == 1, "an event with a receipt was sent twice"


def test_deaths_at_every_boundary_lose_nothing(relays, writers, topic):
    for place in PLACES:
        relays.start(failpoint=place)
        assert relays.await_death() == failpoint.EXIT_CODE, place
    relays.start()
    time.sleep(1)
    written = writers()
    wait_until(everything_is_sent, within_s=60, what="everything is sent")
    relays.stop()
    assert written.count > 300
    check(topic, written)


@pytest.mark.slow
def test_kills_at_random_moments_lose_nothing(relays, writers, topic):
    chance = random.Random(os.environ.get("PYTEST_CURRENT_TEST"))
    for _ in range(3):
        before = sent()
        relays.start()
        wait_until(lambda before=before: sent() > before, within_s=60, what="the relay sends", every_s=0.05)
        time.sleep(chance.random())
        relays.kill()
    relays.start()
    time.sleep(1)
    written = writers()
    wait_until(everything_is_sent, within_s=60, what="everything is sent")
    assert relays.stop() < 5
    check(topic, written)
