"""What the steps of a business order do: some here, in one transaction with the saga, some at others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

import outbox
from reliability.kernel import clock
from reliability.kernel.errors import Permanent
from sagas.orders import models, queries
from sagas.orders.domain import faults, workload

PAYMENTS_ASKED: Final = "payments.asked"
PAYMENTS_REFUNDED: Final = "payments.refunds"
PAYMENTS_SETTLED: Final = "payments.settled"
LOST_EVERY: Final = 15
"""Of so many business orders one loses the news of its payment, while that fault is on."""
SLOW_S: Final = 6.0


class OutOfStock(Permanent):
    """The article is out of stock"""

    cause = "business"


class WrongAmount(Permanent):
    """Another amount was paid than was asked for"""

    cause = "business"


def reserve(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Put the article aside; raises ``OutOfStock`` for chairs while stock conflicts are on."""
    if data["sku"] == faults.CONTESTED_SKU and queries.is_on(faults.STOCK_CONFLICTS):
        raise OutOfStock(f"{data['sku']} is out of stock: another order was faster")
    weight = workload.WEIGHTS_GRAMS.get(data["sku"], 0)
    models.Reservation.objects.create(
        order_number=data["order_id"], sku=data["sku"], weight_grams=weight, reserved_at=clock.SYSTEM.now()
    )
    return {"weight_grams": weight}


def release(data: Mapping[str, Any], key: str) -> None:
    """Put the article back."""
    models.Reservation.objects.filter(order_number=data["order_id"]).delete()


def ask_payment(data: Mapping[str, Any], key: str) -> None:
    """Ask the payment desk for the money."""
    _send(PAYMENTS_ASKED, data, key, event_type="payment.asked")


def ask_refund(data: Mapping[str, Any], key: str) -> None:
    """Ask the payment desk to give the money back."""
    _send(PAYMENTS_REFUNDED, data, key, event_type="payment.refund_asked")


def check_amount(data: Mapping[str, Any], key: str) -> None:
    """Go on only with the amount that was asked for; raises ``WrongAmount``."""
    paid = (data.get("payment") or {}).get("amount_cents")
    if paid is None:
        raise WrongAmount("nobody said how much was paid")
    if paid != data["amount_cents"]:
        raise WrongAmount(f"{paid} cents were paid, {data['amount_cents']} were asked for")


def book_carrier(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Book a carrier, once per order; answers too late while the carrier is slow."""
    carrier = faults.choose_carrier(country=data["country"])
    made, _ = models.Shipment.objects.get_or_create(
        order_number=data["order_id"], defaults={"carrier": carrier, "shipped_at": clock.SYSTEM.now()}
    )
    if queries.is_on(faults.SLOW_CARRIER):
        clock.SYSTEM.sleep(SLOW_S)
    return {"carrier": made.carrier}


def was_booked(data: Mapping[str, Any], key: str) -> dict[str, Any] | bool:
    """Look whether the order has a carrier."""
    made = models.Shipment.objects.filter(order_number=data["order_id"]).first()
    return {"carrier": made.carrier} if made is not None else False


def loses_its_news(number: str) -> bool:
    """Whether this order is one of those that lose the news of their payment."""
    return int(number.rsplit("-", 1)[1]) % LOST_EVERY == 0


def _send(topic: str, data: Mapping[str, Any], key: str, *, event_type: str) -> None:
    body = {name: data[name] for name in ("order_id", "amount_cents", "currency", "provider")} | {"key": key}
    outbox.append(
        topic=topic,
        key=str(data["order_id"]).encode(),
        value=orjson.dumps(body),
        headers=[("content-type", b"application/json")],
        aggregate=("order", str(data["order_id"])),
        event_type=event_type,
    )
