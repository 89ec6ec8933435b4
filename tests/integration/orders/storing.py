"""An order with all that belongs to it, as the tests of its page want it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from outbox import Event
from reliability.kernel import clock
from sagas.orders import models
from sagas.orders.domain.states import OrderState, PaymentState
from tests.support import outbox
from tests.support.letters import record, store

NUMBER = "ord-17"
NOW = clock.SYSTEM.now()


def paid(reference: str, *, number: str = NUMBER, **changes: Any) -> models.Payment:
    """An entry of the ledger: 12.50 taken."""
    given = {"asked_cents": 1250, "amount_cents": 1250, "state": PaymentState.COMPLETED, **changes}
    captured = NOW - timedelta(minutes=4)
    return models.Payment.objects.create(order_number=number, reference=reference, captured_at=captured, **given)


def stored(number: str = NUMBER) -> None:
    """An order with all that belongs to it."""
    models.Order.objects.create(
        number=number,
        sku="mug-blue",
        amount_cents=1250,
        currency="EUR",
        provider="card",
        country="DE",
        placed_at=NOW - timedelta(minutes=5),
        state=OrderState.SHIPPED,
        state_changed_at=NOW - timedelta(minutes=2),
    )
    paid(f"card-{number}", number=number)
    models.Reservation.objects.create(
        order_number=number, sku="mug-blue", weight_grams=340, reserved_at=NOW - timedelta(minutes=3)
    )
    models.Shipment.objects.create(order_number=number, carrier="road", shipped_at=NOW - timedelta(minutes=2))
    outbox.append(Event(topic="orders.placed", key=number.encode(), value=b"{}", aggregate=("order", number)))
    store(record(1, key=number.encode()), now=NOW)
