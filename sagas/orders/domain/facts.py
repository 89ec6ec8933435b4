"""What the shop's services know of an order, as values: for pages, and for whoever compares them. Amounts in cents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sagas.orders.domain.states import OrderState, PaymentState


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedOrder:
    """An order as it was placed, and how far it is since ``state_changed_at``."""

    number: str
    sku: str
    amount_cents: int
    currency: str
    provider: str
    country: str
    placed_at: datetime
    state: OrderState
    state_changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentEntry:
    """An entry of the payment service's ledger. ``captured_at``: when the money was taken, or was last refused;
    ``refunded_at``: when some of it was last given back."""

    order_number: str
    reference: str
    state: PaymentState
    amount_cents: int
    refunded_cents: int
    captured_at: datetime
    refunded_at: datetime | None

    @property
    def kept_cents(self) -> int:
        """What the shop has of it now."""
        return 0 if self.state is PaymentState.FAILED else self.amount_cents - self.refunded_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """Stock that is put aside."""

    order_number: str
    sku: str
    weight_grams: int
    reserved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What a carrier has taken."""

    order_number: str
    carrier: str
    shipped_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """All that is known of one order; payments in the order in which they were made."""

    order: PlacedOrder
    payments: tuple[PaymentEntry, ...]
    reservation: Reserved | None
    shipment: Parcel | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPage:
    """Payments by order number; ``next``: the number to ask behind for more, None at the end."""

    items: tuple[PaymentEntry, ...]
    next: str | None
