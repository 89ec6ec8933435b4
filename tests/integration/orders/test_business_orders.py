"""The shop's saga with its services: how far the order comes, whatever its payment, stock and carrier do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction

import sagas
from outbox.models import Event
from reliability.kernel import clock
from sagas.domain.acts import Act, Command
from sagas.models import Saga
from sagas.operations import acting
from sagas.orders import desk, models, operations, states, trading
from sagas.orders.domain import faults
from sagas.orders.domain.states import OrderState
from sagas.orders.sagas import business_order, business_order_1
from sagas.queries import histories
from tests.integration.orders import selling
from tests.integration.orders.selling import LOST, OTHER, TWICE, UNTOUCHED, entries, mend, new_order, state_of, switch
from tests.support import actors, outbox
from tests.support.sagas import due_now

pytestmark = pytest.mark.django_db(transaction=True)

SERVICES = {
    trading.PAYMENTS_ASKED: desk.take_payment,
    trading.PAYMENTS_REFUNDED: desk.refund_payment,
    trading.PAYMENTS_SETTLED: operations.tell_saga,
}


@pytest.fixture(autouse=True)
def _all_works() -> None:
    outbox.empty()
    mend()


def place(number: str = UNTOUCHED, *, sku: str = "mug-blue") -> None:
    operations.place_business_order(order=new_order(sku=sku), number=number, now=clock.SYSTEM.now())
    assert state_of(number) == "pending"
    sagas.run()


def deliver(seen: set[int] | None = None) -> int:
    """Give every event to the service that reads its topic, and let the sagas go on; return how many there were."""
    count, seen = 0, set() if seen is None else seen
    while fresh := selling.deliver(SERVICES, seen=seen):
        count += fresh
        sagas.run()
    return count


def saga(number: str = UNTOUCHED) -> Saga:
    return Saga.objects.get(key=number)


def act(number: str, command: Command) -> None:
    found = saga(number)
    actor = actors.actor()
    acting.act(found.id, command, expected_version=found.version, actor=actor, reason="looked at the ledger")
    sagas.run()


def test_all_goes_well() -> None:
    place()
    assert saga().waits_for == "payment.settled"
    assert state_of(UNTOUCHED) == "pending"
    assert deliver() == 2
    assert saga().status == "completed"
    paid = {"reference": f"card-{UNTOUCHED}", "amount_cents": 1250}
    assert histories.load(saga().id).data["payment"] == paid
    assert models.Shipment.objects.get().carrier == "road"
    assert state_of(UNTOUCHED) == "shipped"
    assert models.Order.objects.get().state_changed_at >= models.Payment.objects.get().captured_at


def test_it_is_paid_when_its_amount_was_checked_and_before_it_is_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    def booked(data: object, key: str) -> None:
        raise RuntimeError("the carrier's office is closed")

    place()
    monkeypatch.setattr(faults, "choose_carrier", booked)
    deliver()
    assert saga().step == "book_carrier"
    assert state_of(UNTOUCHED) == "paid"


def test_out_of_stock_is_undone_and_cancelled() -> None:
    switch(faults.STOCK_CONFLICTS, on=True)
    place(sku=faults.CONTESTED_SKU)
    assert saga().status == "compensated"
    assert "out of stock" in saga().reason
    assert not models.Reservation.objects.exists()
    assert selling.told(trading.PAYMENTS_ASKED) == []
    assert state_of(UNTOUCHED) == "cancelled"


def test_a_saga_of_version_1_that_a_demo_was_stopped_with_cancels_its_order_too() -> None:
    selling.order(UNTOUCHED)
    with transaction.atomic():
        sagas.start(business_order_1, key=UNTOUCHED, data={"order_id": UNTOUCHED, **new_order().facts()})
    sagas.run()
    act(UNTOUCHED, Command(act=Act.COMPENSATE))
    assert saga().status == "compensated"
    assert state_of(UNTOUCHED) == "cancelled"


def test_lost_news_need_a_person() -> None:
    switch(faults.PAYMENT_NEWS_LOST, on=True)
    place(LOST)
    assert deliver() == 1
    assert models.Payment.objects.get().order_number == LOST
    assert state_of(LOST) == "pending", "nobody has taken note of the payment"
    later = histories.database_now() + timedelta(minutes=1)
    assert saga(LOST).due_at is not None
    assert saga(LOST).due_at < later


def test_lost_news_that_are_asked_for_again_are_taken() -> None:
    switch(faults.PAYMENT_NEWS_LOST, on=True)
    place(LOST)
    seen: set[int] = set()
    deliver(seen)
    selling.asked(LOST, key="repair-1")
    deliver(seen)
    assert saga(LOST).status == "completed"
    assert entries(LOST) == [(f"card-{LOST}", "completed", 1250, 0)]


def test_an_undone_order_is_cancelled_and_its_money_given_back() -> None:
    switch(faults.PAYMENT_NEWS_LOST, on=True)
    place(LOST)
    seen: set[int] = set()
    deliver(seen)
    act(LOST, Command(act=Act.COMPENSATE))
    assert saga(LOST).status == "compensated"
    assert state_of(LOST) == "cancelled"
    assert not models.Reservation.objects.exists()
    deliver(seen)
    assert entries(LOST) == [(f"card-{LOST}", "refunded", 1250, 1250)]


def test_an_undone_order_gets_back_all_that_was_taken_whatever_was_asked_for() -> None:
    for fault in (faults.OTHER_AMOUNTS, faults.PAID_TWICE, faults.LATE_ANSWERS):
        switch(fault, on=True)
    for number in (OTHER, TWICE):
        place(number)
        seen: set[int] = set()
        deliver(seen)
        act(number, Command(act=Act.COMPENSATE))
        deliver(seen)
        assert {entry[1] for entry in entries(number)} == {"refunded"}
        assert state_of(number) == "cancelled"


def test_a_letter_that_is_replayed_after_its_saga_was_undone_charges_nothing() -> None:
    place()
    (asked,) = selling.told(trading.PAYMENTS_ASKED)
    act(UNTOUCHED, Command(act=Act.COMPENSATE))
    selling.deliver({trading.PAYMENTS_REFUNDED: desk.refund_payment}, seen=set())
    with transaction.atomic():
        desk.take_payment(event=asked, now=selling.NOW)
    assert entries(UNTOUCHED) == []
    assert state_of(UNTOUCHED) == "cancelled"


def test_news_told_twice_are_one() -> None:
    switch(faults.PAYMENT_NEWS_TWICE, on=True)
    place()
    assert deliver() == 3
    assert saga().status == "completed"
    assert models.Shipment.objects.count() == 1


def test_late_news_wake_a_saga_that_waits_for_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    impatient = replace(business_order.step("payment"), deadline=sagas.seconds(0.001))
    monkeypatch.setitem(business_order.steps, "payment", impatient)
    switch(faults.LATE_ANSWERS, on=True)
    place()
    seen: set[int] = set()
    assert deliver(seen) == 1
    due_now()
    sagas.run()
    assert saga().status == "needs_operator"
    assert desk.tell_late_news(now=clock.SYSTEM.now() + timedelta(minutes=2)) == 1
    deliver(seen)
    assert saga().status == "completed"
    assert state_of(UNTOUCHED) == "shipped"


def test_a_slow_carrier_is_asked_and_booked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes longer than a try may: the saga asks what happened, and the late answer changes nothing."""
    monkeypatch.setattr(trading, "SLOW_S", 0.0)
    place()
    deliver()
    shipped = models.Order.objects.get().state_changed_at
    data = histories.load(saga().id).data
    assert trading.was_booked(data, "k") == {"carrier": "road"}
    trading.book_carrier(data, "k")
    assert models.Shipment.objects.count() == 1
    assert models.Order.objects.get().state_changed_at == shipped


def test_another_amount_is_given_back() -> None:
    place()
    with transaction.atomic():
        sagas.tell(
            "business_order",
            key=UNTOUCHED,
            event="payment.settled",
            event_id="x",
            payload={"reference": "x", "amount_cents": 1},
        )
    sagas.run()
    due_now()
    sagas.run()
    assert saga().status == "compensated"
    assert "1 cents were paid" in saga().reason
    assert state_of(UNTOUCHED) == "cancelled"
    (refund,) = Event.objects.filter(topic=trading.PAYMENTS_REFUNDED)
    assert b"amount_cents" not in bytes(refund.value), "whatever was taken is given back, not what was asked for"


def test_an_order_that_was_cancelled_elsewhere_is_neither_paid_nor_shipped() -> None:
    place()
    with transaction.atomic():
        states.move(number=UNTOUCHED, to=OrderState.CANCELLED, now=selling.NOW)
    deliver()
    assert saga().status == "compensated"
    assert "was cancelled" in saga().reason
    assert not models.Shipment.objects.exists()
    assert entries(UNTOUCHED) == [(f"card-{UNTOUCHED}", "refunded", 1250, 1250)]
    assert state_of(UNTOUCHED) == "cancelled"


def test_an_undone_saga_that_is_resumed_does_nothing_for_its_cancelled_order() -> None:
    place()
    act(UNTOUCHED, Command(act=Act.COMPENSATE))
    act(UNTOUCHED, Command(act=Act.RESUME, step="accept"))
    due_now()
    sagas.run()
    assert saga().status == "compensated"
    assert len(selling.told(trading.PAYMENTS_ASKED)) == 1
    assert state_of(UNTOUCHED) == "cancelled"
