"""The payment desk of business orders: takes money, gives it back, and tells it, with the faults it has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction

from reliability.kernel.telemetry import tracing
from sagas.orders import ledger, models, news, queries, trading
from sagas.orders.domain import accounting, events, faults
from sagas.orders.domain.states import PaymentState

log = structlog.get_logger(__name__)

TOLD_AT_ONCE_MAX: Final = 100
"""Late news that are told in one transaction: a few seconds' worth, should the desk have stood still for an hour."""


def take_payment(*, event: Mapping[str, object], now: datetime) -> None:
    """Charge an order once, and tell it. Runs in the consumer's transaction; raises ``PaymentTimeout`` and
    ``MalformedEvent``.

    Asked again, it tells of the payment that there is, and charges nothing; after a failed payment it tries again. It
    charges nothing for an order whose money was given back, or asked back before it was asked for.
    """
    number, asked = events.text(event, "order_id"), events.cents(event, "amount_cents")
    provider = events.text(event, "provider")
    account = ledger.look(number)
    if account.completed is not None:
        _tell(account.completed)
        return
    if account.closed:
        log.info("payment_not_taken", order=number, reason="its money was asked back")
        return
    _charge(number, provider, asked, now)


def _charge(number: str, provider: str, asked: int, now: datetime) -> None:
    fault = queries.fault_of(number)
    reference = faults.collect(provider=provider, number=number, times_out=fault == faults.PAYMENT_TIMEOUTS)
    declined = fault == faults.PAYMENT_DECLINED
    late = not declined and fault != faults.PAYMENT_NEWS_LOST and queries.is_on(faults.LATE_ANSWERS)
    payment = ledger.record(
        number=number,
        reference=reference,
        asked_cents=asked,
        amount_cents=accounting.with_extra(asked) if fault == faults.OTHER_AMOUNTS else asked,
        state=PaymentState.FAILED if declined else PaymentState.COMPLETED,
        tell_at=now + timedelta(seconds=faults.LATE_S) if late else None,
        now=now,
    )
    if fault == faults.PAID_TWICE:
        twin = faults.second_reference(reference)
        ledger.record(number=number, reference=twin, asked_cents=asked, amount_cents=asked, now=now)
    if declined or late or fault == faults.PAYMENT_NEWS_LOST:
        return
    for _ in range(2 if queries.is_on(faults.PAYMENT_NEWS_TWICE) else 1):
        _tell(payment)


def refund_payment(*, event: Mapping[str, object], now: datetime) -> None:
    """Give an order's money back, if there is any, once per the event's ``key``. Runs in the consumer's transaction.

    ``reference`` names the one payment that is meant, ``amount_cents`` how much at most; without them everything is
    given back. Raises ``ledger.NoSuchPayment`` and ``MalformedEvent``.
    """
    ledger.give_back(
        number=events.text(event, "order_id"),
        key=events.text(event, "key", characters_max=events.KEY_CHARACTERS_MAX),
        reference=events.text_if_any(event, "reference", characters_max=events.REFERENCE_CHARACTERS_MAX),
        amount_cents=events.cents_if_any(event, "amount_cents"),
        now=now,
    )


def tell_late_news(*, now: datetime) -> int:
    """Tell the news whose time has come, each once, however many desks do so at a time; return how many."""
    with transaction.atomic():
        due = models.Payment.objects.select_for_update(skip_locked=True).filter(tell_at__lte=now)
        payments = list(due.order_by("tell_at", "id")[:TOLD_AT_ONCE_MAX])
        for payment in payments:
            with tracing.span("payment desk: tell late", attributes={"order.number": payment.order_number}):
                _tell(payment)
    return len(payments)


def _tell(payment: models.Payment) -> None:
    """Tell of a payment, and that its news are not to be told later any more."""
    cents = accounting.told_cents(
        asked_cents=payment.asked_cents, amount_cents=payment.amount_cents, refunded_cents=payment.refunded_cents
    )
    body = {"order_id": payment.order_number, "reference": payment.reference, "amount_cents": cents}
    news.tell(trading.PAYMENTS_SETTLED, payment.order_number, body, event_type="payment.settled")
    if payment.tell_at is not None:
        models.Payment.objects.filter(pk=payment.pk).update(tell_at=None)
