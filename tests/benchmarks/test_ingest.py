"""Storing dead letters beside a bare loop that only consumes the same records from the same broker."""

from __future__ import annotations

import struct
import time
import uuid

import pytest
from django.db import connection

from dlq.handlers import Letters
from reliability.kafka import clusters
from reliability.kernel.record import Header
from tests.benchmarks import printing

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

LETTERS = 30_000
ROUNDS = 3
PARTITIONS = 3
VALUE = b'{"order_id": "ord-%d", "note": "' + b"x" * 980 + b'"}'
STACK = b"java.lang.IllegalStateException: no stock\n" + b"\tat org.example.Shop.reserve(Shop.java:41)\n" * 8


def headers(number: int) -> list[Header]:
    """Eight headers, as a Spring consumer writes them."""
    return [
        ("kafka_dlt-original-topic", b"orders"),
        ("kafka_dlt-original-partition", struct.pack(">i", 1)),
        ("kafka_dlt-original-offset", struct.pack(">q", number)),
        ("kafka_dlt-original-timestamp", struct.pack(">q", 1_760_000_000_000)),
        ("kafka_dlt-original-consumer-group", b"stock"),
        ("kafka_dlt-exception-cause-fqcn", b"java.lang.IllegalStateException"),
        ("kafka_dlt-exception-message", b"no stock for article %d" % number),
        ("kafka_dlt-exception-stacktrace", STACK),
    ]


@pytest.fixture
def topic():
    name = f"bench-{uuid.uuid4().hex[:8]}-dlt"
    admin = clusters.admin()
    admin.create_topics({name: PARTITIONS})
    producer = clusters.producer(client_id="bench-ingest")
    for number in range(LETTERS):
        value = VALUE % number
        while True:
            try:
                producer.produce(
                    topic=name, key=b"%d" % number, value=value, headers=headers(number), partition=number % PARTITIONS
                )
                break
            except Exception:  # noqa: BLE001 - the local queue is full
                producer.poll(0.1)
    assert producer.flush(60) == 0
    producer.close()
    yield name
    admin.delete_topic(name)


def bare_loop(topic: str) -> float:
    """Consume and commit, nothing else; return records per second from the first record on."""
    consumer = clusters.consumer(group=f"bare-{uuid.uuid4().hex}", client_id="bench-bare")
    consumer.subscribe(topics=[topic])
    seen, began = 0, 0.0
    while seen < LETTERS:
        records = consumer.poll(max_records=500, timeout_s=0.5)
        began = began or (time.perf_counter() if records else 0.0)
        seen += len(records)
        if records:
            consumer.commit({records[-1].topic_partition: records[-1].offset + 1}, wait=False)
    elapsed = time.perf_counter() - began
    consumer.close()
    return LETTERS / elapsed


def stored() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from dlq_letter")
        return int(cursor.fetchone()[0])


def ours(topic: str, monkeypatch) -> float:
    """Run the process' own step until every letter is stored; return letters per second from the first one on."""
    monkeypatch.setattr("dlq.queries.sources.reader_group", lambda: f"bench-{uuid.uuid4().hex}")
    letters = Letters(pattern=f"^{topic}$")
    began = 0.0
    try:
        while int(str(letters.facts()["letters_stored"])) < LETTERS:
            letters.step()
            if not began and letters.facts()["letters_stored"]:
                began, first = time.perf_counter(), int(str(letters.facts()["letters_stored"]))
    finally:
        elapsed = time.perf_counter() - began
        letters.close()
    return (LETTERS - first) / elapsed


def test_throughput(topic: str, monkeypatch) -> None:
    printing.heading(f"Ingest: {LETTERS:,} letters of 1 KB with 8 headers, {PARTITIONS} partitions")
    ratios = []
    for _ in range(ROUNDS):
        with connection.cursor() as cursor:
            cursor.execute("truncate dlq_letter, dlq_lettergroup cascade")
        bare, stores = bare_loop(topic), ours(topic, monkeypatch)
        assert stored() == LETTERS
        ratios.append(stores / bare)
        printing.figure(
            "bare loop / letters stored", f"{bare:,.0f} / {stores:,.0f}", f"per s, ratio {stores / bare:.2f}"
        )
    middle = sorted(ratios)[len(ratios) // 2]
    printing.figure("ingest as a share of the bare loop (median)", f"{middle:.0%}", "at least 30 % is asked")
