"""How long the pages of dead letters take with 100,000 letters stored, asked one after the other over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from dlq.operations import ingest
from reliability.kernel import clock, wire
from reliability.kernel.record import Record
from tests.benchmarks import asking, printing

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

LETTERS = 100_000
GROUPS = 40


def letter(number: int) -> Record:
    kind = number % GROUPS
    return Record(
        topic="orders.placed.payments.dlq",
        partition=number % 3,
        offset=number,
        key=b"ord-%d" % (number % 20_000),
        value=b'{"order_id": "ord-%d", "amount": %d, "note": "%s"}' % (number, number, b"x" * 400),
        headers=(
            (wire.DLQ_ORIGIN_TOPIC, b"orders.placed"),
            (wire.DLQ_ORIGIN_PARTITION, b"%d" % (number % 3)),
            (wire.DLQ_ORIGIN_OFFSET, b"%d" % number),
            (wire.DLQ_GROUP, b"payments-%d" % (kind % 4)),
            (wire.DLQ_ATTEMPTS, b"3"),
            (wire.DLQ_ERROR_TYPE, b"shop.Error%d" % kind),
            (wire.DLQ_ERROR_MESSAGE, b"order %d cannot be charged" % number),
            (wire.DLQ_CAUSE, b"dependency"),
        ),
        timestamp_ms=1_760_000_000_000 + number,
    )


@pytest.fixture
def console() -> Iterator[str]:
    now = clock.SYSTEM.now()
    for start in range(0, LETTERS, 1_000):
        records = [letter(number) for number in range(start, start + 1_000)]
        ingest.store(records, cluster="main", topic_ids={"orders.placed.payments.dlq": "t"}, now=now)
    with asking.serving() as address:
        yield address


def test_pages(console: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select max(id), max(group_id) from dlq_letter")
        letter_id, group_id = cursor.fetchone()
    pages = {
        "overview": "/",
        "groups": "/letters/",
        "one group": f"/letters/groups/{group_id}/",
        "letters": "/letters/all/",
        "letters of one key": "/letters/all/?q=key:ord-17",
        "letters by text": "/letters/all/?q=order_id+ord-99999",
        "one letter": f"/letters/{letter_id}/",
        "API letters": "/api/v1/letters",
        "API groups": "/api/v1/letter-groups",
    }
    printing.heading(f"Pages with {LETTERS:,} letters in {GROUPS} groups, {asking.ASKED} requests each")
    asking.measure(console, pages, asking.session())
