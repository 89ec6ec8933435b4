"""What the steps of a business order do: some here, in one transaction with the saga, some at others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction

from reliability.kernel import clock
from reliability.kernel.errors import Permanent
from sagas.orders import models, news, queries, states
from sagas.orders.domain import faults, workload
from sagas.orders.domain.states import OrderState

PAYMENTS_ASKED: Final = "payments.asked"
PAYMENTS_REFUNDED: Final = "payments.refunds"
PAYMENTS_SETTLED: Final = "payments.settled"
SLOW_S: Final = 6.0


class OutOfStock(Permanent):
    """The article is out of stock"""

    cause = "business"


class WrongAmount(Permanent):
    """Another amount was paid than was asked for"""

    cause = "business"


def accept(data: Mapping[str, Any], key: str) -> None:
    """Take an order on: from here on, what is undone ends with its cancellation. Raises ``OrderCancelled``."""
    states.refuse_cancelled(number=data["order_id"])


def cancel(data: Mapping[str, Any], key: str) -> None:
    """Cancel the order; one that was shipped stays shipped."""
    states.move(number=data["order_id"], to=OrderState.CANCELLED, now=clock.SYSTEM.now())


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


def release_and_cancel(data: Mapping[str, Any], key: str) -> None:
    """Put the article back and cancel the order: the last undo of sagas that have no step to take the order on."""
    release(data, key)
    cancel(data, key)


def ask_payment(data: Mapping[str, Any], key: str) -> None:
    """Ask the payment desk for the money; raises ``OrderCancelled``."""
    states.refuse_cancelled(number=data["order_id"])
    body = {name: data[name] for name in ("order_id", "amount_cents", "currency", "provider")} | {"key": key}
    news.tell(PAYMENTS_ASKED, str(data["order_id"]), body, event_type="payment.asked")


def ask_refund(data: Mapping[str, Any], key: str) -> None:
    """Ask the payment desk to give back whatever was taken for the order, however much that is."""
    body = {"order_id": data["order_id"], "key": key}
    news.tell(PAYMENTS_REFUNDED, str(data["order_id"]), body, event_type="payment.refund_asked")


def check_amount(data: Mapping[str, Any], key: str) -> None:
    """Go on only with the amount that was asked for: the order is paid. Raises ``WrongAmount``, ``OrderCancelled``."""
    paid = (data.get("payment") or {}).get("amount_cents")
    if paid is None:
        raise WrongAmount("nobody said how much was paid")
    if paid != data["amount_cents"]:
        raise WrongAmount(f"{paid} cents were paid, {data['amount_cents']} were asked for")
    states.move(number=data["order_id"], to=OrderState.PAID, now=clock.SYSTEM.now())


def book_carrier(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Book a carrier, once per order: it is shipped. Answers too late while the carrier is slow; raises
    ``OrderCancelled``."""
    carrier = faults.choose_carrier(country=data["country"])
    now = clock.SYSTEM.now()
    with transaction.atomic():  # who asks later whether it was booked finds both, or neither
        states.move(number=data["order_id"], to=OrderState.SHIPPED, now=now)
        made, _ = models.Shipment.objects.get_or_create(
            order_number=data["order_id"], defaults={"carrier": carrier, "shipped_at": now}
        )
    if queries.is_on(faults.SLOW_CARRIER):
        clock.SYSTEM.sleep(SLOW_S)
    return {"carrier": made.carrier}


def was_booked(data: Mapping[str, Any], key: str) -> dict[str, Any] | bool:
    """Look whether the order has a carrier."""
    made = models.Shipment.objects.filter(order_number=data["order_id"]).first()
    return {"carrier": made.carrier} if made is not None else False
