"""Business orders against the payment service's ledger: the reference for reconciliations of one's own."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import sagas
from sagas.orders import models
from sagas.orders.domain import agreement

BUSINESS: Final = "biz-"
EVERY: Final = timedelta(seconds=15)

orders_against_payments = sagas.reconciliation(
    "orders_against_payments",
    "Orders against payments",
    key_name="order",
    expected=sagas.rows(
        "orders",
        query=lambda: models.Order.objects.filter(number__startswith=BUSINESS),
        key="number",
        fields=["state", "amount_cents", "currency", "provider", "placed_at", "state_changed_at"],
    ),
    seen=sagas.rows(
        "payments",
        query=lambda: models.Payment.objects.filter(order_number__startswith=BUSINESS),
        key="order_number",
        fields=["reference", "state", "amount_cents", "refunded_cents", "captured_at"],
    ),
    invariants=agreement.invariants(),
    differences=agreement.differences(),
    every=EVERY,
    sagas=[agreement.BUSINESS_ORDER],
    topics=[agreement.PAYMENTS_ASKED, agreement.PAYMENTS_REFUNDED],
)
