"""The payment service's ledger: money is taken once per order, and given back once per request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from reliability.kernel.errors import Permanent
from sagas.orders import models
from sagas.orders.domain import accounting
from sagas.orders.domain.states import PaymentState

_TAKE_TURNS = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 7302))"


class NoSuchPayment(Permanent):
    """The order has no payment with that reference"""

    cause = "business"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the ledger says of an order. ``completed``: the payment whose money is here, the first if there are several.

    ``closed``: there is none, and there will be none: the money was given back, or asked back before it was taken.
    """

    completed: models.Payment | None
    closed: bool


def look(number: str) -> Account:
    """Return how an order's account stands, inside the caller's transaction.

    Until that ends nobody else charges the order or gives its money back: a request that is there twice, or together
    with its refund, is worked off one after the other.
    """
    _take_turns(number)
    taken = _payments(number).exclude(state=PaymentState.FAILED).order_by("id")
    # Locked, because late news are told without taking turns: else they could be told here and there.
    completed = taken.filter(state=PaymentState.COMPLETED).select_for_update().first()
    closed = completed is None and (
        taken.exists() or models.Refund.objects.filter(order_number=number, whole=True).exists()
    )
    return Account(completed=completed, closed=closed)


def record(
    *,
    number: str,
    reference: str,
    asked_cents: int,
    amount_cents: int,
    now: datetime,
    state: PaymentState = PaymentState.COMPLETED,
    tell_at: datetime | None = None,
) -> models.Payment:
    """Write down that money was taken or refused. Where it was refused before, under the same reference, that entry
    changes. Only after ``look`` said that there is no completed payment of the order."""
    entry, _ = models.Payment.objects.update_or_create(
        order_number=number,
        reference=reference,
        defaults={
            "asked_cents": asked_cents,
            "amount_cents": amount_cents,
            "state": state,
            "captured_at": now,
            "tell_at": tell_at,
        },
    )
    return entry


def give_back(*, number: str, key: str, reference: str | None, amount_cents: int | None, now: datetime) -> int:
    """Give an order's money back, once per ``key``; return how many cents were given back now.

    ``reference``: of this payment only; None: of all, the last one first. ``amount_cents``: so much at most; None:
    all that is left. Nobody gets more than was taken. Raises ``NoSuchPayment`` for a reference that is not the order's.
    """
    _take_turns(number)
    found = _payments(number) if reference is None else _payments(number).filter(reference=reference)
    payments = list(found.select_for_update().order_by("-id"))
    if reference is not None and not payments:
        raise NoSuchPayment(f"order {number} has no payment {reference}")
    left = [0 if each.state == PaymentState.FAILED else each.amount_cents - each.refunded_cents for each in payments]
    given = accounting.shares(left, at_most=amount_cents)
    request = {
        "order_number": number,
        "reference": reference or "",
        "whole": reference is None and amount_cents is None,
        "amount_cents": sum(given),
        "at": now,
    }
    _, first = models.Refund.objects.get_or_create(key=key, defaults=request)
    if not first:
        return 0
    _write_down(payments, given, now)
    return sum(given)


def _write_down(payments: Sequence[models.Payment], given: Sequence[int], now: datetime) -> None:
    for payment, cents in zip(payments, given, strict=True):
        if not cents:
            continue
        payment.refunded_cents += cents
        payment.refunded_at = now
        if payment.refunded_cents == payment.amount_cents:
            payment.state = PaymentState.REFUNDED
            payment.tell_at = None  # nobody is told of money that is not here any more
        payment.save(update_fields=["refunded_cents", "refunded_at", "state", "tell_at"])


def _payments(number: str) -> QuerySet[models.Payment]:
    return models.Payment.objects.filter(order_number=number)


def _take_turns(number: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_TURNS, [number])
