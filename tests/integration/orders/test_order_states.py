"""How far orders are: what moves them, what never moves them back, also when everything comes twice or at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from sagas.orders import models, operations, states
from sagas.orders.domain.faults import CountryNotServed, MalformedEvent, PaymentTimeout
from sagas.orders.domain.states import OrderState
from sagas.orders.states import OrderCancelled
from tests.integration.orders.selling import (
    NOW,
    asked_back,
    at_once,
    deliver,
    entries,
    mend,
    new_order,
    order,
    state_of,
    switch,
    told,
)
from tests.support import outbox

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "ord-1-1"
LATER = NOW + timedelta(minutes=1)
SERVICES = {
    operations.ORDERS_PLACED: operations.capture_payment,
    operations.PAYMENTS_CAPTURED: operations.reserve_stock,
    operations.STOCK_RESERVED: operations.ship,
}


@pytest.fixture(autouse=True)
def _all_works() -> None:
    outbox.empty()
    mend()


def move(number: str, to: OrderState) -> bool:
    with transaction.atomic():
        return states.move(number=number, to=to, now=LATER)


def placed(**fields: object) -> dict[str, object]:
    return {"order_id": NUMBER, **new_order().facts(), **fields}


def capture(**fields: object) -> None:
    with transaction.atomic():
        operations.capture_payment(event=placed(**fields), now=LATER)


def test_an_ordinary_order_is_paid_when_it_is_charged_and_shipped_when_a_carrier_has_it() -> None:
    operations.place_order(order=new_order(), number=NUMBER, now=NOW)
    states_seen, seen = [state_of(NUMBER)], set[int]()
    for topic, service in SERVICES.items():
        deliver({topic: service}, seen=seen)
        states_seen.append(state_of(NUMBER))
    assert states_seen == ["pending", "paid", "paid", "shipped"]
    assert entries(NUMBER) == [(f"card-{NUMBER}", "completed", 1250, 0)]


def test_an_ordinary_order_whose_payment_times_out_stays_pending() -> None:
    switch("payments_outage", on=True)
    order(NUMBER)
    with pytest.raises(PaymentTimeout):
        capture(provider="north-bank")
    assert (state_of(NUMBER), entries(NUMBER), told(operations.PAYMENTS_CAPTURED)) == ("pending", [], [])


def test_everything_twice_charges_reserves_and_ships_once() -> None:
    operations.place_order(order=new_order(), number=NUMBER, now=NOW)
    deliver(SERVICES, seen=set())
    shipped = models.Order.objects.get().state_changed_at
    deliver(SERVICES, seen=set())
    assert entries(NUMBER) == [(f"card-{NUMBER}", "completed", 1250, 0)]
    assert (models.Reservation.objects.count(), models.Shipment.objects.count()) == (1, 1)
    assert (state_of(NUMBER), models.Order.objects.get().state_changed_at) == ("shipped", shipped)


def test_charged_twice_at_once_it_is_one_charge() -> None:
    order(NUMBER)
    at_once(capture, capture, capture)
    assert entries(NUMBER) == [(f"card-{NUMBER}", "completed", 1250, 0)]
    assert {each["reference"] for each in told(operations.PAYMENTS_CAPTURED)} == {f"card-{NUMBER}"}


def test_where_nobody_delivers_the_order_stays_paid() -> None:
    order(NUMBER, state=OrderState.PAID)
    with pytest.raises(CountryNotServed), transaction.atomic():
        operations.ship(event=placed(country="AQ"), now=LATER)
    assert state_of(NUMBER) == "paid"


def test_a_cancelled_order_is_neither_charged_nor_shipped() -> None:
    order(NUMBER, state=OrderState.CANCELLED)
    with pytest.raises(OrderCancelled):
        capture()
    with pytest.raises(OrderCancelled), transaction.atomic():
        operations.ship(event=placed(), now=LATER)
    assert (entries(NUMBER), models.Shipment.objects.count(), state_of(NUMBER)) == ([], 0, "cancelled")


def test_an_ordinary_order_whose_money_was_given_back_is_not_charged_again() -> None:
    order(NUMBER)
    capture()
    asked_back(NUMBER)
    with pytest.raises(operations.PaymentGivenBack, match=NUMBER):
        capture()
    assert entries(NUMBER) == [(f"card-{NUMBER}", "refunded", 1250, 1250)]


@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("to", [each for each in OrderState if each is not OrderState.PENDING])
def test_no_order_moves_back(state: OrderState, to: OrderState) -> None:
    order(NUMBER, state=state)
    forward = list(OrderState)
    if state is OrderState.CANCELLED and to is not OrderState.CANCELLED:
        with pytest.raises(OrderCancelled):
            move(NUMBER, to)
        moved = False
    else:
        moved = move(NUMBER, to)
    assert moved == (state in (OrderState.PENDING, OrderState.PAID) and forward.index(to) > forward.index(state))
    assert models.Order.objects.get().state == (to if moved else state)
    assert models.Order.objects.get().state_changed_at == (LATER if moved else NOW)


def test_of_a_parcel_and_a_cancellation_at_once_one_counts() -> None:
    for place in range(6):
        number = f"ord-{place}-1"
        order(number, state=OrderState.PAID)

        def ship(number: str = number) -> bool:
            try:
                with transaction.atomic():
                    operations.ship(event=placed(order_id=number), now=LATER)
            except OrderCancelled:
                return False
            return True

        shipped, cancelled = at_once(ship, lambda number=number: move(number, OrderState.CANCELLED))
        assert shipped != cancelled
        assert state_of(number) == ("shipped" if shipped else "cancelled")
        assert models.Shipment.objects.filter(order_number=number).exists() == shipped


def test_an_order_that_there_is_not_moves_nowhere() -> None:
    assert not move("ord-9-9", OrderState.PAID)


@pytest.mark.parametrize("wrong", [{"order_id": "a\x00"}, {"amount_cents": True}, {"provider": "p" * 41}], ids=str)
def test_what_cannot_be_charged_is_malformed(wrong: dict[str, object]) -> None:
    with pytest.raises(MalformedEvent):
        capture(**wrong)
