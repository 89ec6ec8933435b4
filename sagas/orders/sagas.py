"""The saga of an order by a business customer: stock, payment over Kafka, carrier."""

from __future__ import annotations

from typing import Final

import sagas
from sagas.orders import trading

PAYMENT_SETTLED: Final = "payment.settled"

business_order = sagas.saga(
    "business_order",
    version=1,
    timeout=sagas.minutes(10),
    steps=[
        sagas.step("reserve_stock", do=trading.reserve, undo=trading.release, local=True),
        # The request is an event of the outbox: it is sent if, and only if, this step is done.
        sagas.step("ask_payment", do=trading.ask_payment, undo=trading.ask_refund, local=True),
        sagas.wait("payment", event=PAYMENT_SETTLED, deadline=sagas.seconds(45), late="person"),
        sagas.step("check_amount", do=trading.check_amount, local=True, retry=sagas.once()),
        sagas.pivot(),
        sagas.step(
            "book_carrier",
            do=trading.book_carrier,
            probe=trading.was_booked,
            timeout=sagas.seconds(4),
            retry=sagas.forever(cap=sagas.minutes(1)),
        ),
    ],
)
