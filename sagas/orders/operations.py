"""Writes of the shop: each is one step of an order, its event committed with it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import orjson
from django.db import transaction

import outbox
import sagas
from reliability import access, audit
from reliability.kernel.errors import Refused
from sagas.orders import models, queries, trading
from sagas.orders.domain import faults, workload
from sagas.orders.sagas import PAYMENT_SETTLED, business_order

ORDERS_PLACED = "orders.placed"
PAYMENTS_CAPTURED = "payments.captured"
STOCK_RESERVED = "stock.reserved"


class NoSuchFault(Refused):
    """The demo has no such fault, or none in that state."""

    code = "no-such-fault"
    status = 404


def place_order(*, order: workload.NewOrder, number: str, now: datetime) -> None:
    """Store an order and tell the others."""
    fields = order.facts()
    with transaction.atomic():
        models.Order.objects.create(number=number, placed_at=now, **fields)
        _tell(ORDERS_PLACED, number, {"order_id": number, **fields}, event_type="order.placed")


def place_business_order(*, order: workload.NewOrder, number: str, now: datetime) -> None:
    """Store an order and start its saga, which does all the rest."""
    fields = order.facts()
    with transaction.atomic():
        models.Order.objects.create(number=number, placed_at=now, **fields)
        sagas.start(business_order, key=number, data={"order_id": number, **fields})


def take_payment(*, event: Mapping[str, object], now: datetime) -> None:
    """The payment desk: charge once, and tell it. Runs in the consumer's transaction."""
    number, amount = _text(event, "order_id"), _number(event, "amount_cents")
    reference = f"{_text(event, 'provider')}-{number}"
    models.Payment.objects.create(order_number=number, reference=reference, amount_cents=amount, captured_at=now)
    if trading.loses_its_news(number) and queries.is_on(faults.PAYMENT_NEWS_LOST):
        return
    news = {"order_id": number, "reference": reference, "amount_cents": amount}
    for _ in range(2 if queries.is_on(faults.PAYMENT_NEWS_TWICE) else 1):
        _tell(trading.PAYMENTS_SETTLED, number, news, event_type="payment.settled")


def refund_payment(*, event: Mapping[str, object], now: datetime) -> None:
    """The payment desk: give the money back, if there was any."""
    models.Payment.objects.filter(order_number=_text(event, "order_id"), refunded_at=None).update(refunded_at=now)


def tell_saga(*, event: Mapping[str, object], now: datetime) -> None:
    """Tell an order's saga that it was paid; the payment's reference makes it the same news when it comes twice."""
    number, reference = _text(event, "order_id"), _text(event, "reference")
    payload = {"reference": reference, "amount_cents": _number(event, "amount_cents")}
    sagas.tell(business_order.name, key=number, event=PAYMENT_SETTLED, event_id=reference, payload=payload)


def send_malformed(*, number: str, value: bytes) -> None:
    """Send what a legacy writer sends: bytes that are no order event."""
    with transaction.atomic():
        outbox.append(topic=ORDERS_PLACED, key=number.encode(), value=value, event_type="order.legacy")


def capture_payment(*, event: Mapping[str, object], now: datetime) -> None:
    """Charge an order once. Runs in the consumer's transaction; raises ``PaymentTimeout`` during the outage."""
    number, amount = _text(event, "order_id"), _number(event, "amount_cents")
    reference = faults.charge(
        provider=_text(event, "provider"), amount_cents=amount, outage=queries.is_on("payments_outage")
    )
    models.Payment.objects.create(order_number=number, reference=reference, amount_cents=amount, captured_at=now)
    _tell(PAYMENTS_CAPTURED, number, {**event, "reference": reference}, event_type="payment.captured")


def reserve_stock(*, event: Mapping[str, object], now: datetime) -> None:
    """Put an order's article aside. Runs in the consumer's transaction; has the gift-card bug while that is on."""
    number, sku = _text(event, "order_id"), _text(event, "sku")
    weight = faults.parcel_weight_grams(
        sku=sku, weights=workload.WEIGHTS_GRAMS, gift_cards_known=not queries.is_on("stock_bug")
    )
    models.Reservation.objects.create(order_number=number, sku=sku, weight_grams=weight, reserved_at=now)
    _tell(STOCK_RESERVED, number, {**event, "weight_grams": weight}, event_type="stock.reserved")


def ship(*, event: Mapping[str, object], now: datetime) -> None:
    """Hand an order to a carrier. Runs in the consumer's transaction; raises ``CountryNotServed`` where none goes."""
    carrier = faults.choose_carrier(country=_text(event, "country"))
    models.Shipment.objects.create(order_number=_text(event, "order_id"), carrier=carrier, shipped_at=now)


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


def _tell(topic: str, number: str, body: Mapping[str, object], *, event_type: str) -> None:
    outbox.append(
        topic=topic,
        key=number.encode(),
        value=orjson.dumps(body),
        headers=[("content-type", b"application/json")],
        aggregate=("order", number),
        event_type=event_type,
    )


def _text(event: Mapping[str, object], field: str) -> str:
    value = event.get(field)
    if not isinstance(value, str):
        raise faults.MalformedEvent(f"{field} is not a text")
    return value


def _number(event: Mapping[str, object], field: str) -> int:
    value = event.get(field)
    if not isinstance(value, int):
        raise faults.MalformedEvent(f"{field} is not a whole number")
    return value
