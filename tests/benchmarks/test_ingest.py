"""Storing dead letters beside a bare loop that only consumes the same records from the same broker."""

from __future__ import annotations

import struct
import time
import uuid
from collections.abc import Sequence

import pytest
from django.db import connection, transaction

from dlq.handlers import BATCH, Letters
from reliability.kafka import clusters
from reliability.kafka.ports import Progress
from reliability.kernel import process, wire
from reliability.kernel.record import Header, Record
from tests.benchmarks import printing

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

LETTERS = 30_000
ROUNDS = 3
PARTITIONS = 3
BARE_COPY = "copy bare from stdin (format binary)"
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


def bare_store(topic: str) -> float:
    """Consume and COPY the bytes into a table without an index, looking at nothing: the limit of any store."""
    with connection.cursor() as cursor:
        cursor.execute(
            "create temporary table bare (topic text, part int, place int8, key bytea, value bytea, headers bytea)"
        )
    consumer = clusters.consumer(group=f"bare-{uuid.uuid4().hex}", client_id="bench-bare")
    consumer.subscribe(topics=[topic])
    seen, began = 0, 0.0
    while seen < LETTERS:
        records = consumer.poll(max_records=BATCH, timeout_s=0.5)
        began = began or (time.perf_counter() if records else 0.0)
        seen += len(records)
        with transaction.atomic(), connection.cursor() as cursor, cursor.copy(BARE_COPY) as copy:
            copy.set_types(["text", "int4", "int8", "bytea", "bytea", "bytea"])
            for each in records:
                packed = wire.pack_headers(each.headers)
                copy.write_row((each.topic, each.partition, each.offset, each.key, each.value, packed))
    elapsed = time.perf_counter() - began
    consumer.close()
    with connection.cursor() as cursor:
        cursor.execute("drop table bare")
    return LETTERS / elapsed


def stored() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from dlq_letter")
        return int(cursor.fetchone()[0])


def ours(topic: str, monkeypatch) -> float:
    """Run the process' own step until every letter is stored; return letters per second from the first batch on."""
    monkeypatch.setattr("dlq.queries.sources.reader_group", lambda: f"bench-{uuid.uuid4().hex}")
    letters = Letters(pattern=f"^{topic}$")
    batches: list[tuple[float, int]] = []
    store = letters.store

    def timed(records: Sequence[Record]) -> Progress:
        progress = store(records)
        batches.append((time.perf_counter(), progress.done))
        return progress

    letters._loop._work = timed  # the last step waits half a second for more: what counts is when a batch is stored
    try:
        while sum(done for _, done in batches) < LETTERS:
            letters.step()
    finally:
        letters.close()
    return (LETTERS - batches[0][1]) / (batches[-1][0] - batches[0][0])


def test_throughput(topic: str, monkeypatch) -> None:
    process.keep_what_is_loaded()  # as the process does
    printing.heading(f"Ingest: {LETTERS:,} letters of 1 KB with 8 headers, {PARTITIONS} partitions")
    ratios, of_store = [], []
    for _ in range(ROUNDS):
        with connection.cursor() as cursor:
            cursor.execute("truncate dlq_letter, dlq_lettergroup cascade")
        bare, copied, stores = bare_loop(topic), bare_store(topic), ours(topic, monkeypatch)
        assert stored() == LETTERS
        ratios.append(stores / bare)
        of_store.append(stores / copied)
        printing.figure(
            "bare loop / bare loop with a COPY / letters stored",
            f"{bare:,.0f} / {copied:,.0f} / {stores:,.0f}",
            f"per s, ratios {stores / bare:.2f} and {stores / copied:.2f}",
        )
    middle = sorted(ratios)[len(ratios) // 2]
    printing.figure("ingest as a share of the bare loop (median)", f"{middle:.0%}", "at least 30 % is asked")
    middle = sorted(of_store)[len(of_store) // 2]
    printing.figure("ingest as a share of the bare loop with a COPY", f"{middle:.0%}", "what any store must do")
