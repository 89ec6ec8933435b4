"""What the shop's services tell of their orders: facts of one, payments of some, the ledger page by page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client

from reliability.access import Role, operations
from reliability.kernel import clock
from sagas.orders import models, queries
from sagas.orders.api import ORDERS_MAX, PAGE_MAX
from sagas.orders.domain.states import OrderState, PaymentState
from tests.integration.orders.selling import NOW, order
from tests.support.actors import account

pytestmark = pytest.mark.django_db

Ask = Callable[..., Any]


def pay(number: str, *suffixes: str, state: PaymentState = PaymentState.COMPLETED) -> None:
    for suffix in suffixes or ("",):
        models.Payment.objects.create(
            order_number=number,
            reference=f"card-{number}{suffix}",
            asked_cents=1250,
            amount_cents=1250,
            refunded_cents=1250 if state is PaymentState.REFUNDED else 0,
            state=state,
            captured_at=NOW,
        )


@pytest.fixture
def ask(client: Client) -> Ask:
    """Ask the ledger as a viewer."""
    made = operations.issue_token(
        account=account(Role.VIEWER, name="vito"), name="t", life=timedelta(hours=1), now=clock.SYSTEM.now()
    )

    def answer(*parameters: tuple[str, object], status: int = 200) -> Any:
        path = f"/api/v1/demo/payments?{urlencode(parameters)}"
        found = client.get(path, headers={"Authorization": f"Bearer {made.secret}"})
        assert found.status_code == status, found.content
        assert status == 200 or found["Content-Type"] == "application/problem+json"
        return found.json()

    return answer


def test_all_that_is_known_of_an_order() -> None:
    order("biz-1-1", state=OrderState.SHIPPED)
    pay("biz-1-1", "", "-2")
    models.Reservation.objects.create(order_number="biz-1-1", sku="mug-blue", weight_grams=340, reserved_at=NOW)
    models.Shipment.objects.create(order_number="biz-1-1", carrier="road", shipped_at=NOW)
    facts = queries.facts("biz-1-1")
    assert facts is not None
    assert (facts.order.state, facts.order.amount_cents) == (OrderState.SHIPPED, 1250)
    assert [payment.reference for payment in facts.payments] == ["card-biz-1-1", "card-biz-1-1-2"]
    assert [payment.kept_cents for payment in facts.payments] == [1250, 1250]
    assert facts.reservation is not None
    assert facts.reservation.weight_grams == 340
    assert facts.shipment is not None
    assert facts.shipment.carrier == "road"


def test_of_a_new_order_there_is_nothing_but_itself() -> None:
    order("biz-1-1")
    facts = queries.facts("biz-1-1")
    assert facts is not None
    assert (facts.payments, facts.reservation, facts.shipment) == ((), None, None)


@pytest.mark.parametrize("number", ["biz-9-9", "", "a\x00b", "\ud800", "x" * 10_000])
def test_of_an_order_that_there_is_not_nothing_is_known(number: str) -> None:
    assert queries.facts(number) is None
    assert queries.orders_of([number]) == {}
    assert queries.payments_of([number]) == {}
    assert (queries.stock_of(number), queries.shipment_of(number)) == (None, None)


def test_more_orders_than_a_statement_takes_are_not_asked_for() -> None:
    for asking in (queries.orders_of, queries.payments_of):
        with pytest.raises(ValueError, match="at most 1000"):
            asking([str(number) for number in range(queries.NUMBERS_MAX + 1)])


@pytest.mark.parametrize(("state", "kept"), [("completed", 1250), ("failed", 0), ("refunded", 0)])
def test_what_the_shop_has_of_a_payment(state: str, kept: int) -> None:
    pay("biz-1-1", state=PaymentState(state))
    assert queries.payments_of(["biz-1-1"])["biz-1-1"][0].kept_cents == kept


def test_the_payments_of_some_orders(ask: Ask) -> None:
    for number in ("biz-1-1", "biz-1-2", "biz-1-3"):
        pay(number, "", "-2")
    answer = ask(("order", "biz-1-2"), ("order", "biz-1-1"), ("order", "biz-1-2"), ("order", "none"))
    assert [each["reference"] for each in answer["items"]] == [
        *("card-biz-1-1", "card-biz-1-1-2"),
        *("card-biz-1-2", "card-biz-1-2-2"),
    ]
    assert (answer["complete"], answer["next"]) == (True, None)
    assert answer["items"][0] == {
        "order": "biz-1-1",
        "reference": "card-biz-1-1",
        "state": "completed",
        "amount_cents": 1250,
        "refunded_cents": 0,
        "captured_at": "2026-11-21T12:00:00Z",
    }


def test_the_whole_ledger_page_by_page_in_the_order_of_bytes(ask: Ask) -> None:
    numbers = ["Z", "a", "a-1", "a1", "aZ", "b-10", "b-9", "ä", "\U0001d54f"]
    for number in reversed(numbers):
        pay(number)
    pay("a1", "-2")
    assert numbers == sorted(numbers, key=str.encode)
    seen: list[str] = []
    after = ""
    while after is not None:
        page = ask(("after", after), ("limit", 3))
        assert 0 < len(page["items"]) <= 3
        assert page["complete"], "nothing is left out of a page; what comes behind it is on the next"
        assert page["next"] in (None, page["items"][-1]["order"])
        seen += [each["order"] for each in page["items"]]
        after = page["next"]
    assert seen == sorted([*numbers, "a1"], key=str.encode)


def test_no_order_s_payments_are_torn_apart_even_if_they_are_more_than_a_page(ask: Ask) -> None:
    pay("a")
    pay("b", "", "-2", "-3")
    pay("c")
    sizes = []
    after = ""
    while after is not None:
        page = ask(("after", after), ("limit", 2))
        sizes.append([each["order"] for each in page["items"]])
        after = page["next"]
    assert sizes == [["a"], ["b", "b", "b"], ["c"]]


def test_an_order_with_more_than_a_page_at_the_end_is_the_end(ask: Ask) -> None:
    pay("b", "", "-2", "-3")
    page = ask(("limit", 2))
    assert (len(page["items"]), page["complete"], page["next"]) == (3, True, None)


def test_an_empty_ledger_is_complete(ask: Ask) -> None:
    assert ask() == {"items": [], "complete": True, "next": None}
    assert ask(("after", "zzz")) == {"items": [], "complete": True, "next": None}


def test_as_many_as_may_be_asked_for_are_answered(ask: Ask) -> None:
    assert ask(*[("order", f"biz-1-{number}") for number in range(ORDERS_MAX)])["items"] == []
    assert ask(("limit", PAGE_MAX))["complete"]


@pytest.mark.parametrize(
    "wrong",
    [
        [("order", f"biz-1-{number}") for number in range(ORDERS_MAX + 1)],
        [("order", "")],
        [("order", "a\x00b")],
        [("order", "x" * 41)],
        [("after", "a\x00b")],
        [("after", "x" * 41)],
        [("limit", 0)],
        [("limit", PAGE_MAX + 1)],
        [("limit", "all")],
        [("order", "a"), ("limit", 10)],
        [("order", "a"), ("after", "a")],
        [("orders", "a")],
    ],
    ids=lambda wrong: ascii(wrong[-1])[:30],
)
def test_what_cannot_be_answered_is_a_problem_in_words(ask: Ask, wrong: list[tuple[str, object]]) -> None:
    problem = ask(*wrong, status=422)
    assert problem["status"] == 422
    assert problem["detail"]


def test_what_is_not_utf_8_is_answered_too(client: Client, ask: Ask) -> None:
    client.force_login(account(Role.VIEWER, name="vera").user)
    assert client.get("/api/v1/demo/payments?order=%ff%fe&order=%ed%a0%80").json()["items"] == []


def test_a_stranger_learns_nothing(client: Client) -> None:
    pay("a")
    answer = client.get("/api/v1/demo/payments?order=a")
    assert answer.status_code == 401
    assert b"card-a" not in answer.content


def test_orders_are_counted_as_paid_once_and_only_if_money_was_taken() -> None:
    pay("a", "", "-2")
    pay("b", state=PaymentState.FAILED)
    pay("c", state=PaymentState.REFUNDED)
    assert queries.progress()["paid"] == 2


def test_a_page_of_the_ledger_reads_no_more_than_the_page() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO mainstay_orders_payment
                (order_number, reference, asked_cents, amount_cents, refunded_cents, state, captured_at)
            SELECT 'biz-1-' || n, 'card-biz-1-' || n, 1, 1, 0, 'completed', now() FROM generate_series(1, 5000) AS n
            """
        )
        cursor.execute("ANALYZE mainstay_orders_payment")
        page = models.Payment.objects.filter(order_number__gt="biz-1-3").order_by("order_number", "id")[:201]
        assert "Index" in page.explain()
        assert "Seq Scan" not in page.explain()
