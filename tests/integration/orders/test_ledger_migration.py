"""A shop's database from before its ledger: nothing of what was paid, given back and shipped is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from sagas.orders import models
from tests.integration.orders.selling import NOW, entries, new_order, state_of
from tests.support.sagas import opened

pytestmark = pytest.mark.django_db(transaction=True)

APP = "mainstay_orders"


def migrate(name: str) -> Any:
    """Bring the shop's tables to a migration; return the models of that time."""
    executor = MigrationExecutor(connection)
    executor.migrate([(APP, name)])
    return MigrationExecutor(connection).loader.project_state([(APP, name)]).apps


@pytest.fixture
def before() -> Iterator[Any]:
    """The models of before."""
    yield migrate("0002_refunds")
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes(APP)[0][1]
    migrate(newest)


def place(before: Any, number: str, *, provider: str = "card") -> None:
    before.get_model(APP, "Order").objects.create(
        number=number, placed_at=NOW, **{**new_order().facts(), "provider": provider}
    )


def pay(before: Any, number: str, reference: str, *, refunded: bool = False) -> None:
    before.get_model(APP, "Payment").objects.create(
        order_number=number,
        reference=reference,
        amount_cents=1250,
        captured_at=NOW,
        refunded_at=NOW if refunded else None,
    )


def test_payments_are_completed_or_refunded_and_orders_follow_from_them(before: Any) -> None:
    for number in ("ord-1-1", "ord-1-2", "ord-1-3", "biz-1-1", "biz-1-2"):
        place(before, number, provider="north-bank")
    pay(before, "ord-1-2", "north-bank-1250")
    pay(before, "ord-1-3", "north-bank-1250")
    pay(before, "biz-1-1", "north-bank-biz-1-1")
    pay(before, "biz-1-2", "north-bank-biz-1-2", refunded=True)
    pay(before, "gone", "card-1250")
    before.get_model(APP, "Shipment").objects.create(order_number="ord-1-3", carrier="road", shipped_at=NOW)
    migrate("0003_ledger")
    found = {number: state_of(number) for number in models.Order.objects.values_list("number", flat=True)}
    assert found == {
        "ord-1-1": "pending",
        "ord-1-2": "paid",
        "ord-1-3": "shipped",
        "biz-1-1": "paid",
        "biz-1-2": "cancelled",
    }
    assert entries("ord-1-2") == [("north-bank-ord-1-2", "completed", 1250, 0)]
    assert entries("biz-1-1") == [("north-bank-biz-1-1", "completed", 1250, 0)], "its saga knows it by that name"
    assert entries("biz-1-2") == [("north-bank-biz-1-2", "refunded", 1250, 1250)]
    assert entries("gone") == [("unknown-gone", "completed", 1250, 0)]
    assert set(models.Payment.objects.values_list("asked_cents", flat=True)) == {1250}
    assert set(models.Order.objects.values_list("state_changed_at", flat=True)) == {NOW}


def test_an_order_that_was_undone_before_it_was_paid_is_cancelled(before: Any) -> None:
    from django.db import transaction

    import sagas
    from reliability.kernel.errors import Permanent
    from sagas.models import Saga

    def refuse(data: object, key: str) -> None:
        raise Permanent("out of stock")

    for number in ("biz-1-1", "biz-1-2"):
        place(before, number)
    with opened():
        definition = sagas.saga(
            "business_order", version=77, steps=[sagas.step("reserve_stock", do=refuse, local=True)]
        )
        with transaction.atomic():
            sagas.start(definition, key="biz-1-1")
        sagas.run()
    ended = Saga.objects.get()
    assert ended.status == "compensated"
    migrate("0003_ledger")
    assert (state_of("biz-1-1"), state_of("biz-1-2")) == ("cancelled", "pending")
    assert models.Order.objects.get(number="biz-1-1").state_changed_at == ended.ended_at


def test_the_way_back_and_forth_leaves_the_tables_as_they_were(before: Any) -> None:
    migrate("0003_ledger")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'mainstay_orders_payment' AND indexdef LIKE '%%UNIQUE%%'"
        )
        unique = sorted(definition.rpartition("(")[2] for (definition,) in cursor.fetchall())
    assert unique == ["id)", "reference)"], "an order may have several payments, a reference has one"
    assert (APP, "0003_ledger") in MigrationRecorder(connection).applied_migrations()
