"""The relay beside a bare loop that only reads the same rows and produces them to the same broker; and its latency."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction

import outbox
from outbox import relay
from reliability.kafka import clusters
from reliability.kernel import wire
from reliability.kernel.record import Header, TopicPartition
from tests.benchmarks import printing

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

EVENTS = 100_000
ROUNDS = 3
PARTITIONS = 3
VALUE = os.urandom(200)
HEADERS: list[Header] = [("content-type", b"application/json"), ("tenant", b"7"), ("source", b"benchmark")]
LATENCY_EVENTS = 2_000
LATENCY_RATE = 200
ROOT = Path(__file__).parents[2]


@pytest.fixture
def topic():
    name = f"bench-relay-{uuid.uuid4().hex[:8]}"
    admin = clusters.admin()
    admin.create_topics({name: PARTITIONS})
    while admin.partition_count(name) is None:
        time.sleep(0.2)
    yield name
    admin.delete_topic(name)


def fill(topic: str, count: int) -> None:
    for start in range(0, count, 5_000):
        with transaction.atomic():
            outbox.append_many(
                [
                    outbox.Event(topic=topic, key=str(number % 5_000).encode(), value=VALUE, headers=tuple(HEADERS))
                    for number in range(start, min(count, start + 5_000))
                ]
            )


def bare_loop(topic: str) -> None:
    """Read every row by id and produce it with its headers: no leases, windows, ids, numbers or progress. The limit."""
    producer = clusters.producer(client_id="bench-bare")
    left = 0

    def answered(delivery) -> None:
        nonlocal left
        left -= 1

    with psycopg.connect(database_url()) as connection_, connection_.cursor("bare", binary=True) as cursor:
        cursor.itersize = 1_000
        cursor.execute("select key, value, headers from outbox_event where topic = %s order by id", [topic])
        for number, (key, value, packed) in enumerate(cursor):
            producer.produce(
                topic=topic,
                key=key,
                value=value,
                headers=wire.unpack_headers(packed),
                partition=number % PARTITIONS,
                on_delivery=answered,
            )
            left += 1
            if number % 500 == 0:
                producer.poll(0)
    assert producer.flush(60) == 0
    assert left == 0
    producer.close()


def database_url() -> str:
    """The test database's own address."""
    parameters = connection.get_connection_params()
    who = f"{parameters.get('user', '')}:{parameters.get('password') or ''}"
    return f"postgresql://{who}@{parameters['host']}:{parameters['port']}/{connection.settings_dict['NAME']}"


def drain(worker: relay.Relay, wanted: int) -> None:
    while int(str(worker.facts()["sent"])) < wanted:
        worker.step()


def test_throughput(topic: str) -> None:
    printing.heading(f"Relay: {EVENTS:,} events of 200 B with 3 headers, {PARTITIONS} partitions")
    ratios = []
    for _ in range(ROUNDS):
        with connection.cursor() as cursor:
            cursor.execute("delete from outbox_event")
        worker = relay.of_this_process(hosting="process")
        try:
            worker.step()  # takes its shards; there is nothing to send yet
            fill(topic, EVENTS)
            bare = printing.rate(EVENTS, functools.partial(bare_loop, topic))
            ours = printing.rate(EVENTS, functools.partial(drain, worker, EVENTS))
        finally:
            worker.close()
        ratios.append(ours / bare)
        printing.figure("bare loop / relay", f"{bare:,.0f} / {ours:,.0f}", f"events/s, ratio {ours / bare:.2f}")
    middle = sorted(ratios)[len(ratios) // 2]
    printing.figure("relay as a share of the bare loop (median)", f"{middle:.0%}", "at least 50 % is asked")


def test_latency(topic: str) -> None:
    """From commit to the instant at which a consumer on the same machine holds the record, at 200 events/s."""
    env = {**os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "reliability.settings"}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "relay_outbox"], cwd=ROOT, env=env, stderr=subprocess.DEVNULL
    )
    arrived: dict[bytes, float] = {}
    stop = threading.Event()
    listener = threading.Thread(target=listen, args=(topic, arrived, stop))
    listener.start()
    try:
        fill(topic, 1)
        deadline = time.monotonic() + 30
        while not arrived:
            assert time.monotonic() < deadline, "the relay process sent nothing"
            time.sleep(0.05)
        committed = write_steadily(topic)
        while len(arrived) < LATENCY_EVENTS + 1 and time.monotonic() < deadline + 60:
            time.sleep(0.1)
    finally:
        stop.set()
        listener.join()
        process.terminate()
        process.wait(20)
    waits_ms = [(arrived[key] - at) * 1000 for key, at in committed.items()]
    printing.heading(f"Relay: commit to consumer at {LATENCY_RATE} events/s, {LATENCY_EVENTS:,} events")
    printing.figure(
        "p50 / p99", f"{printing.percentile(waits_ms, 0.5):.1f} / {printing.percentile(waits_ms, 0.99):.1f}", "ms"
    )
    assert len(waits_ms) == LATENCY_EVENTS


def write_steadily(topic: str) -> dict[bytes, float]:
    committed: dict[bytes, float] = {}
    began = time.perf_counter()
    for number in range(LATENCY_EVENTS):
        key = f"late-{number}".encode()
        with transaction.atomic():
            outbox.append(topic=topic, key=key, value=VALUE, headers=HEADERS)
        committed[key] = time.perf_counter()
        time.sleep(max(0.0, began + (number + 1) / LATENCY_RATE - time.perf_counter()))
    return committed


def listen(topic: str, arrived: dict[bytes, float], stop: threading.Event) -> None:
    consumer = clusters.consumer(group=f"bench-{topic}", client_id="bench", settings={"fetch.wait.max.ms": 5})
    consumer.subscribe(topics=[topic])
    while not stop.is_set():
        for record in consumer.poll(max_records=500, timeout_s=0.02):
            arrived[record.key or b""] = time.perf_counter()
    consumer.close()


def test_everything_arrived_once(topic: str) -> None:
    """The benchmark measures the real thing: after a drain every event is on the topic, once, in order per key."""
    fill(topic, 2_000)
    worker = relay.of_this_process(hosting="process")
    try:
        drain(worker, 2_000)
    finally:
        worker.close()
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    assert sum(clusters.admin().end_offsets(partitions).values()) == 2_000
