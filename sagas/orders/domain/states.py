"""How far an order is, how a payment stands, and what may follow what."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class OrderState(StrEnum):
    """How far an order is."""

    PENDING = "pending"  # placed; nobody has taken note of a payment
    PAID = "paid"
    SHIPPED = "shipped"  # for good
    CANCELLED = "cancelled"  # for good


class PaymentState(StrEnum):
    """How an entry of the ledger stands."""

    COMPLETED = "completed"  # the money was taken, and not all of it was given back
    FAILED = "failed"  # no money was taken; asked again, it may still be
    REFUNDED = "refunded"  # all of it was given back


# A parcel that left has left, whatever was noted of its payment; what is shipped or cancelled stays so.
_BEFORE: Final[Mapping[OrderState, frozenset[OrderState]]] = {
    OrderState.PENDING: frozenset(),
    OrderState.PAID: frozenset({OrderState.PENDING}),
    OrderState.SHIPPED: frozenset({OrderState.PENDING, OrderState.PAID}),
    OrderState.CANCELLED: frozenset({OrderState.PENDING, OrderState.PAID}),
}


def before(state: OrderState) -> frozenset[OrderState]:
    """Return the states from which an order may come to ``state``."""
    return _BEFORE[state]
