"""The saga of an order by a business customer: stock, payment over Kafka, carrier."""

from __future__ import annotations

from typing import Final

import sagas
from sagas.orders import trading

PAYMENT_SETTLED: Final = "payment.settled"

_PAYMENT_AND_CARRIER: Final = (
    # The request is an event of the outbox: it is sent if, and only if, this step is done.
    sagas.step("ask_payment", do=trading.ask_payment, undo=trading.ask_refund, local=True),
    sagas.wait("payment", event=PAYMENT_SETTLED, deadline=sagas.seconds(45), late="person", gives=["amount_cents"]),
    sagas.step("check_amount", do=trading.check_amount, local=True, retry=sagas.once()),
    sagas.pivot(),
    sagas.step(
        "book_carrier",
        do=trading.book_carrier,
        probe=trading.was_booked,
        timeout=sagas.seconds(4),
        retry=sagas.forever(cap=sagas.minutes(1)),
    ),
)

business_order = sagas.saga(
    "business_order",
    version=2,
    timeout=sagas.minutes(10),
    steps=[
        # Its undo comes last, and also when the next step fails, which leaves nothing of its own to undo.
        sagas.step("accept", do=trading.accept, undo=trading.cancel, local=True),
        sagas.step("reserve_stock", do=trading.reserve, undo=trading.release, local=True),
        *_PAYMENT_AND_CARRIER,
    ],
)

# Kept for sagas that a demo was stopped in the middle of.
business_order_1 = sagas.saga(
    "business_order",
    version=1,
    timeout=sagas.minutes(10),
    steps=[
        sagas.step("reserve_stock", do=trading.reserve, undo=trading.release_and_cancel, local=True),
        *_PAYMENT_AND_CARRIER,
    ],
)
