"""The demo in the REST API: the faults' switches, and the ledger of its payment service."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Self

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema
from pydantic import model_validator

from reliability import access
from reliability.kernel import clock
from sagas.orders import operations, queries
from sagas.orders.domain.events import NAME_CHARACTERS_MAX
from sagas.orders.domain.facts import PaymentEntry

router = Router(tags=["demo"])

ORDERS_MAX: Final = 200  # fits an address of eight kilobytes, the most that servers take
PAGE: Final = 200
PAGE_MAX: Final = 1_000

# No NUL, which PostgreSQL's text has no room for.
Text = Annotated[str, Field(max_length=NAME_CHARACTERS_MAX, pattern=r"^[^\x00]*$")]
Number = Annotated[Text, Field(min_length=1)]


class FaultOut(Schema):
    """A fault of the demo's shop."""

    name: str
    title: str
    broken: str
    on: bool


class PaymentsQuery(Schema):
    """Which payments: those of some orders, or a page of all."""

    order: Annotated[
        list[Number], Field(max_length=ORDERS_MAX, description="An order's number; repeat it for more.")
    ] = []
    after: Annotated[Text, Field(description="The order number to go on behind, bytewise.")] = ""
    limit: Annotated[int, Field(ge=1, le=PAGE_MAX, description="Payments on a page; all of an order are on one.")] = (
        PAGE
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.order and self.model_fields_set & {"after", "limit"}:
            raise ValueError("ask for orders, or for a page with after and limit: not for both")
        return self


class LedgerEntry(Schema):
    """A payment. ``captured_at``: when the money was taken or, of a failed one, last refused."""

    order: str
    reference: str
    state: str
    amount_cents: int
    refunded_cents: int
    captured_at: datetime


class Ledger(Schema):
    """Payments by order number, bytewise. ``complete``: nothing is left out of this answer, which holds all payments of
    the orders that were asked for, or of those on this page; ``next`` is the following page's ``after``."""

    items: list[LedgerEntry]
    complete: bool = True  # a database that does not answer is an error here, never a part of an answer
    next: str | None = None


@router.get("/faults", response=list[FaultOut], summary="The shop's faults and whether they are on")
def list_faults(request: HttpRequest) -> list[FaultOut]:
    """Return every fault."""
    access.authorize(access.actor_of(request), "orders.view")
    return [
        FaultOut(name=fault.name, title=fault.title, broken=fault.broken, on=on) for fault, on in queries.switches()
    ]


@router.put("/faults/{name}/{state}", response=list[FaultOut], summary="Switch a fault: state is on or off")
def switch_fault(request: HttpRequest, name: str, state: str) -> list[FaultOut]:
    """Switch one fault; anything but ``on`` or ``off`` is refused."""
    actor = access.actor_of(request)
    access.admit(actor, "demo.switch")
    operations.switch(name=name, on=operations.state_of(state), actor=actor, now=clock.SYSTEM.now())
    return list_faults(request)


@router.get("/payments", response=Ledger, summary="The payment service's ledger")
def list_payments(request: HttpRequest, asked: Query[PaymentsQuery]) -> Ledger:
    """Return the payments of some orders, or a page of all of them."""
    access.authorize(access.actor_of(request), "orders.view")
    if asked.order:
        by_number = queries.payments_of(set(asked.order))
        return Ledger(items=[_shown(each) for _, found in sorted(by_number.items()) for each in found])
    page = queries.ledger_page(after=asked.after, limit=asked.limit)
    return Ledger(items=[_shown(each) for each in page.items], next=page.next)


def _shown(payment: PaymentEntry) -> LedgerEntry:
    return LedgerEntry(
        order=payment.order_number,
        reference=payment.reference,
        state=payment.state,
        amount_cents=payment.amount_cents,
        refunded_cents=payment.refunded_cents,
        captured_at=payment.captured_at,
    )
