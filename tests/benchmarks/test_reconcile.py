"""A comparison of 100,000 orders of which one in a hundred differs: its time beside a loop that only reads, its memory,
and how long its pages take with what it found."""

from __future__ import annotations

import resource
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
from django.db import connection

import sagas
from sagas import reconciliations
from sagas.domain.reconciling.definition import Reconciliation
from sagas.models import Finding
from sagas.orders import models
from sagas.orders.domain import agreement
from sagas.reconciler import turns
from tests.benchmarks import asking, printing
from tests.support import database

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

FEW, MANY = 10_000, 100_000
DIFFER_EVERY = 100
NAME = "bench_orders"
_ORDERS = """
INSERT INTO mainstay_orders_order (number, sku, amount_cents, currency, provider, country, placed_at, state,
                                   state_changed_at)
SELECT 'biz-' || lpad(n::text, 8, '0'), 'mug-blue', 1250, 'EUR', 'card', 'DE', now() - interval '1 day',
       CASE WHEN n %% %s = 0 THEN 'pending' ELSE 'shipped' END, now() - interval '1 day'
FROM generate_series(%s, %s) AS n
"""
_PAYMENTS = """
INSERT INTO mainstay_orders_payment (order_number, reference, asked_cents, amount_cents, refunded_cents, state,
                                     captured_at)
SELECT number, 'card-' || number, 1250, 1250, 0, 'completed', now() - interval '1 day' FROM mainstay_orders_order
WHERE state = 'shipped' AND number >= 'biz-' || lpad(%s::text, 8, '0')
"""
_BARE = (
    "SELECT number, state, amount_cents, currency, provider, placed_at, state_changed_at FROM mainstay_orders_order"
    " WHERE number LIKE 'biz-%' ORDER BY number COLLATE \"C\"",
    "SELECT order_number, reference, state, amount_cents, refunded_cents, captured_at FROM mainstay_orders_payment"
    " WHERE order_number LIKE 'biz-%' ORDER BY order_number COLLATE \"C\"",
)


@pytest.fixture
def defined() -> Iterator[Reconciliation]:
    """The demo's agreement, under a name of its own."""
    yield sagas.reconciliation(
        NAME,
        "Orders against payments",
        expected=sagas.rows(
            "orders",
            query=lambda: models.Order.objects.filter(number__startswith="biz-"),
            key="number",
            fields=["state", "amount_cents", "currency", "provider", "placed_at", "state_changed_at"],
        ),
        seen=sagas.rows(
            "payments",
            query=lambda: models.Payment.objects.filter(order_number__startswith="biz-"),
            key="order_number",
            fields=["reference", "state", "amount_cents", "refunded_cents", "captured_at"],
        ),
        invariants=agreement.invariants(),
        differences=agreement.differences(),
        every=timedelta(hours=1),
    )
    reconciliations.forget(NAME)


def store(first: int, last: int) -> None:
    """Orders from ``first`` to ``last``, all but one in a hundred with a payment."""
    with connection.cursor() as cursor:
        cursor.execute(_ORDERS, [DIFFER_EVERY, first, last])
        cursor.execute(_PAYMENTS, [first])
        cursor.execute("ANALYZE")


def bare() -> float:
    """Seconds for reading both sides in order and looking at each row once: the least that a comparison costs."""
    began = time.perf_counter()
    with closing(psycopg.connect(database.url())) as one, closing(psycopg.connect(database.url())) as other:
        for link, statement in zip((one, other), _BARE, strict=True):
            with link.cursor(name="side") as cursor:
                cursor.itersize = 2_000
                cursor.execute(statement)
                for _row in cursor:
                    pass
    return time.perf_counter() - began


def compare(defined: Reconciliation) -> tuple[float, float]:
    """Seconds, and the most megabytes that Python held at a time beyond what it had."""
    began = time.perf_counter()
    assert turns.compare(defined, stop=lambda: False, at_once=True)
    seconds = time.perf_counter() - began
    tracemalloc.start()
    assert turns.compare(defined, stop=lambda: False, at_once=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return seconds, peak / 1e6


def test_a_comparison(defined: Reconciliation) -> None:
    store(1, FEW)
    first, few = compare(defined)
    store(FEW + 1, MANY)
    seconds, many = compare(defined)
    least = min(bare() for _ in range(3))
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert Finding.objects.filter(rank=0).count() == MANY // DIFFER_EVERY
    printing.heading(f"A comparison of {MANY:,} orders, one in {DIFFER_EVERY} differs")
    printing.figure("the whole of it", f"{seconds:.1f} s", f"{MANY / seconds:,.0f} keys a second")
    printing.figure("reading both sides, bare", f"{least:.1f} s", "the limit")
    printing.figure("ours to it", f"{seconds / least:.1f}")
    printing.figure(f"{FEW:,} orders", f"{first:.1f} s")
    printing.figure("memory beyond what was there", f"{many:.1f} MB", f"{few:.1f} MB with {FEW:,}")
    printing.figure("resident at most", f"{resident:,.0f} MB")
    with asking.serving() as address:
        pages = {
            "findings": "/reconcile/",
            "findings: key": "/reconcile/?q=biz-0000",
            "one finding": f"/reconcile/{Finding.objects.earliest('id').id}/",
            "API list": "/api/v1/findings?limit=50",
        }
        asking.measure(address, pages, asking.session())
