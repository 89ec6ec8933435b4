"""Writes of the shop: each is one step of an order, its event committed with it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

import outbox
import sagas
from reliability import access, audit
from reliability.kernel.errors import Permanent, Refused
from sagas.orders import ledger, models, news, queries, states
from sagas.orders.domain import events, faults, workload
from sagas.orders.domain.states import OrderState
from sagas.orders.payments import payments
from sagas.orders.sagas import PAYMENT_SETTLED, business_order

ORDERS_PLACED = "orders.placed"
PAYMENTS_CAPTURED = "payments.captured"
STOCK_RESERVED = "stock.reserved"


class PaymentGivenBack(Permanent):
    """The order's money was given back: it is not charged again"""

    cause = "business"


class NoSuchFault(Refused):
    """The demo has no such fault, or none in that state."""

    code = "no-such-fault"
    status = 404


PAGER_KEPT = 200
"""Messages."""


def place_order(*, order: workload.NewOrder, number: str, now: datetime) -> None:
    """Store an order and tell the others."""
    fields = order.facts()
    with transaction.atomic():
        models.Order.objects.create(number=number, placed_at=now, state_changed_at=now, **fields)
        news.tell(ORDERS_PLACED, number, {"order_id": number, **fields}, event_type="order.placed")


def place_business_order(*, order: workload.NewOrder, number: str, now: datetime) -> None:
    """Store an order and start its saga, which does all the rest."""
    fields = order.facts()
    with transaction.atomic():
        models.Order.objects.create(number=number, placed_at=now, state_changed_at=now, **fields)
        sagas.start(business_order, key=number, data={"order_id": number, **fields})


def tell_saga(*, event: Mapping[str, object], now: datetime) -> None:
    """Tell an order's saga that it was paid; the payment's reference makes it the same news when it comes twice."""
    number = events.text(event, "order_id")
    reference = events.text(event, "reference", characters_max=events.REFERENCE_CHARACTERS_MAX)
    payload = {"reference": reference, "amount_cents": events.cents(event, "amount_cents")}
    sagas.tell(business_order.name, key=number, event=PAYMENT_SETTLED, event_id=reference, payload=payload)


def send_malformed(*, number: str, value: bytes) -> None:
    """Send what a legacy writer sends: bytes that are no order event."""
    with transaction.atomic():
        outbox.append(topic=ORDERS_PLACED, key=number.encode(), value=value, event_type="order.legacy")


def capture_payment(*, event: Mapping[str, object], now: datetime) -> None:
    """Charge an order once: it is paid. Runs in the consumer's transaction.

    Asked again, it charges nothing and tells the others again. Raises ``PaymentTimeout`` during the outage,
    ``PaymentServiceDown`` and ``BreakerOpen`` while the whole service is down, ``OrderCancelled``, and
    ``PaymentGivenBack`` for an order whose money was given or asked back.
    """
    number, amount = events.text(event, "order_id"), events.cents(event, "amount_cents")
    account = ledger.look(number)
    if account.closed:
        raise PaymentGivenBack(f"the money of order {number} was given back")
    states.move(number=number, to=OrderState.PAID, now=now)
    if account.completed is not None:
        reference = account.completed.reference
    else:
        provider = events.text(event, "provider")
        reference = _charged(provider, number)
        ledger.record(number=number, reference=reference, asked_cents=amount, amount_cents=amount, now=now)
    news.tell(PAYMENTS_CAPTURED, number, {**event, "reference": reference}, event_type="payment.captured")


def _charged(provider: str, number: str) -> str:
    """Have the payment service charge an order, if its breaker lets the call pass."""
    if provider == faults.INVOICE:
        return faults.charge(provider=provider, number=number, outage=False)
    with payments:
        return faults.charge(
            provider=provider,
            number=number,
            outage=queries.is_on("payments_outage"),
            down=queries.is_on(faults.PAYMENTS_DOWN),
        )


def reserve_stock(*, event: Mapping[str, object], now: datetime) -> None:
    """Put an order's article aside, once. Runs in the consumer's transaction; has the gift-card bug while it is on."""
    number, sku = events.text(event, "order_id"), events.text(event, "sku")
    weight = faults.parcel_weight_grams(
        sku=sku, weights=workload.WEIGHTS_GRAMS, gift_cards_known=not queries.is_on("stock_bug")
    )
    models.Reservation.objects.get_or_create(
        order_number=number, defaults={"sku": sku, "weight_grams": weight, "reserved_at": now}
    )
    news.tell(STOCK_RESERVED, number, {**event, "weight_grams": weight}, event_type="stock.reserved")


def ship(*, event: Mapping[str, object], now: datetime) -> None:
    """Hand an order to a carrier, once: it is shipped. Runs in the consumer's transaction; raises
    ``CountryNotServed`` where none goes, and ``OrderCancelled``."""
    number = events.text(event, "order_id")
    carrier = faults.choose_carrier(country=events.text(event, "country"))
    states.move(number=number, to=OrderState.SHIPPED, now=now)
    models.Shipment.objects.get_or_create(order_number=number, defaults={"carrier": carrier, "shipped_at": now})


def state_of(word: str) -> bool:
    """Read the last word of a switch's address; raises ``NoSuchFault`` for anything but ``on`` and ``off``."""
    if word not in ("on", "off"):
        raise NoSuchFault(f"A fault can be switched on or off, not {word!r}.")
    return word == "on"


def switch(*, name: str, on: bool, actor: access.Actor, now: datetime) -> None:
    """Switch one of the demo's faults on or off; raises ``NoSuchFault``, ``access.Denied``."""
    if name not in faults.FAULTS:
        raise NoSuchFault(f"The demo has no fault named {name!r}; it has {', '.join(faults.FAULTS)}.")
    with audit.action(
        "demo.switch", actor=actor, target=f"fault:{name}", facts={"on": on, "title": faults.FAULTS[name].title}
    ):
        models.FaultSwitch.objects.update_or_create(name=name, defaults={"on": on, "changed_at": now})


def paged(*, number: str, event: str, title: str, url: str, dedup_key: str, now: datetime) -> bool:
    """Keep what the demo's pager got; False when it had it before."""
    values = {"event": event[:20], "title": title, "url": url, "dedup_key": dedup_key, "at": now}
    _, is_new = models.PagerMessage.objects.get_or_create(number=number[:80], defaults=values)
    newest = models.PagerMessage.objects.order_by("-id").values_list("id", flat=True)[PAGER_KEPT : PAGER_KEPT + 1]
    if newest:
        models.PagerMessage.objects.filter(id__lte=newest[0]).delete()
    return is_new
