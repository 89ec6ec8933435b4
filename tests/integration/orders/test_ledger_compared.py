"""The ledger as a side of a reconciliation: read whole and by key, next to the orders, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from reliability.access import Role, operations
from reliability.kernel import clock
from sagas.orders import models
from sagas.queries.sides import http_api, rows
from sagas.queries.sides.http_client import HttpApi
from tests.support import http_side
from tests.support.actors import account

pytestmark = pytest.mark.django_db(transaction=True)

ORDERS = 1_500  # two pages


@pytest.fixture
def ledger() -> Iterator[HttpApi]:
    made = operations.issue_token(
        account=account(Role.VIEWER, name="vito"), name="t", life=timedelta(hours=1), now=clock.SYSTEM.now()
    )

    def answer(query: dict[str, list[str]]) -> tuple[int, bytes]:
        try:
            found = Client().get("/api/v1/demo/payments", query, headers={"Authorization": f"Bearer {made.secret}"})
            return found.status_code, found.content
        finally:
            connection.close()

    with http_side.serving(answer) as server:
        yield http_api("payments", url=server.url, key="order", parameter="order", streams=True)


@pytest.fixture
def _filled() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO mainstay_orders_order
                (number, sku, amount_cents, currency, provider, country, placed_at, state, state_changed_at)
            SELECT 'biz-1-' || n, 'mug-blue', 1250, 'EUR', 'card', 'DE', now(), 'pending', now()
            FROM generate_series(1, %s) AS n
            """,
            [ORDERS],
        )
        cursor.execute(
            """
            INSERT INTO mainstay_orders_payment
                (order_number, reference, asked_cents, amount_cents, refunded_cents, state, captured_at)
            SELECT number, 'card-' || number || twin, 1250, 1250, 0, 'completed', now()
            FROM mainstay_orders_order, unnest(ARRAY['', '-2']) AS twin WHERE twin = '' OR number LIKE '%%3'
            """
        )


@pytest.mark.usefixtures("_filled")
def test_both_sides_read_whole_have_the_same_numbers_in_the_same_order(ledger: HttpApi) -> None:
    payments = [key for key, _ in ledger.stream()]
    orders = [key for key, _ in rows("orders", query=models.Order.objects.all, key="number", fields=[]).stream()]
    assert len(payments) == ORDERS + ORDERS // 10
    assert list(dict.fromkeys(payments)) == orders


@pytest.mark.usefixtures("_filled")
def test_some_orders_are_asked_for_and_what_is_not_there_is_known_not_to_be(ledger: HttpApi) -> None:
    keys = [f"biz-1-{number}" for number in range(1, 121)]
    found = ledger.lookup([*keys, "biz-9-9"])
    assert found.unread == {}
    assert {key: len(found.rows[key]) for key in ("biz-1-1", "biz-1-3")} == {"biz-1-1": 1, "biz-1-3": 2}
    assert found.rows.keys() == set(keys)
