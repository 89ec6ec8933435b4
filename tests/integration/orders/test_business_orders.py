"""The shop's saga with its services: paid, out of stock, news lost or twice, a slow carrier."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

import sagas
from outbox.models import Event
from reliability.kernel import clock
from sagas.models import Saga
from sagas.orders import models, operations, trading
from sagas.orders.domain import faults, workload
from sagas.orders.handlers import parse
from sagas.queries import histories
from tests.support import actors, outbox
from tests.support.sagas import due_now

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _all_works() -> None:
    outbox.empty()
    for name in (faults.STOCK_CONFLICTS, faults.PAYMENT_NEWS_LOST):
        switch(name, on=False)


def switch(name: str, *, on: bool) -> None:
    operations.switch(name=name, on=on, actor=actors.actor(), now=clock.SYSTEM.now())


def place(number: str = "biz-1-1", *, sku: str = "mug-blue") -> None:
    order = workload.NewOrder(sku=sku, amount_cents=1250, currency="EUR", provider="card", country="DE")
    operations.place_business_order(order=order, number=number, now=clock.SYSTEM.now())
    sagas.run()


def deliver() -> int:
    """Give every event that was not given yet to the service that reads its topic; return how many."""
    services = {
        trading.PAYMENTS_ASKED: operations.take_payment,
        trading.PAYMENTS_REFUNDED: operations.refund_payment,
        trading.PAYMENTS_SETTLED: operations.tell_saga,
    }
    count = 0
    seen: set[int] = set()
    while True:
        fresh = [event for event in Event.objects.order_by("id") if event.pk not in seen and event.topic in services]
        if not fresh:
            sagas.run()
            return count
        for event in fresh:
            seen.add(event.pk)
            with transaction.atomic():
                services[event.topic](event=parse(bytes(event.value)), now=clock.SYSTEM.now())
            count += 1


def saga(number: str = "biz-1-1") -> Saga:
    return Saga.objects.get(key=number)


def test_all_goes_well() -> None:
    place()
    assert saga().waits_for == "payment.settled"
    assert deliver() == 2
    assert saga().status == "completed"
    assert histories.load(saga().id).data["payment"] == {"reference": "card-biz-1-1", "amount_cents": 1250}
    assert models.Shipment.objects.get().carrier == "road"


def test_out_of_stock_is_undone() -> None:
    switch(faults.STOCK_CONFLICTS, on=True)
    place(sku=faults.CONTESTED_SKU)
    assert saga().status == "compensated"
    assert "out of stock" in saga().reason
    assert not models.Reservation.objects.exists()


def test_lost_news_need_a_person() -> None:
    switch(faults.PAYMENT_NEWS_LOST, on=True)
    place(f"biz-1-{trading.LOST_EVERY}")
    assert deliver() == 1
    number = f"biz-1-{trading.LOST_EVERY}"
    assert models.Payment.objects.get().order_number == number
    later = histories.database_now() + timedelta(minutes=1)
    assert saga(number).due_at is not None
    assert saga(number).due_at < later


def test_news_told_twice_are_one() -> None:
    switch(faults.PAYMENT_NEWS_TWICE, on=True)
    place()
    assert deliver() == 3
    assert saga().status == "completed"
    assert models.Shipment.objects.count() == 1


def test_a_slow_carrier_is_asked_and_booked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes longer than a try may: the saga asks what happened, and the late answer changes nothing."""
    monkeypatch.setattr(trading, "SLOW_S", 0.0)
    place()
    deliver()
    data = histories.load(saga().id).data
    assert trading.was_booked(data, "k") == {"carrier": "road"}
    trading.book_carrier(data, "k")
    assert models.Shipment.objects.count() == 1


def test_another_amount_is_given_back() -> None:
    place()
    with transaction.atomic():
        sagas.tell(
            "business_order",
            key="biz-1-1",
            event="payment.settled",
            event_id="x",
            payload={"reference": "x", "amount_cents": 1},
        )
    sagas.run()
    due_now()
    sagas.run()
    assert saga().status == "compensated"
    assert "1 cents were paid" in saga().reason
    assert Event.objects.filter(topic=trading.PAYMENTS_REFUNDED).count() == 1
