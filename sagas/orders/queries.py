"""Reads of the shop."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Final

from django.db.models import Count
from django.urls import reverse

from reliability.console.domain.values import Fact, Subject
from reliability.kernel import text
from sagas.orders import models
from sagas.orders.domain import faults
from sagas.orders.domain.facts import LedgerPage, OrderFacts, Parcel, PaymentEntry, PlacedOrder, Reserved
from sagas.orders.domain.states import OrderState, PaymentState
from sagas.orders.domain.workload import INVOICES_CREATED, INVOICING

PAGER_SHOWN: Final = 6
NUMBERS_MAX: Final = 1_000  # one statement's worth: a page of a reconciler
STANDSTILL: Final = (faults.INVOICING_HANG, faults.INVOICING_STOPPED)


def is_on(name: str) -> bool:
    """Return whether a fault is on; raises ``KeyError`` for one that there is not."""
    fault = faults.FAULTS[name]
    switch = models.FaultSwitch.objects.filter(name=name).first()
    return fault.starts_on if switch is None else switch.on


def switches() -> list[tuple[faults.Fault, bool]]:
    """Return every fault and whether it is on."""
    states = dict(models.FaultSwitch.objects.values_list("name", "on"))
    return [(fault, states.get(name, fault.starts_on)) for name, fault in faults.FAULTS.items()]


def fault_of(number: str) -> str | None:
    """Return the fault of the payment desk that hits this order now; None: none does."""
    hit = faults.hit_of(number)
    return hit if hit is not None and is_on(hit) else None


def cause(subject: Subject, window: timedelta) -> Sequence[Fact]:
    """Return the faults that make the invoicing stand still, while they are on."""
    about = {"group": INVOICING, "topic": INVOICES_CREATED}.get(subject.kind)
    if about != subject.name:
        return []
    standing = models.FaultSwitch.objects.filter(name__in=STANDSTILL, on=True).order_by("changed_at")
    return [
        Fact(
            kind="demo",
            text=f"The demo's fault “{faults.FAULTS[switch.name].title}” is on",
            since=switch.changed_at,
            severity="crit",
            url=reverse("orders:demo"),
            topics=(INVOICES_CREATED,),
        )
        for switch in standing
    ]


def progress() -> dict[str, int]:
    """Return how many orders reached which station of the shop, whatever became of them later."""
    taken = models.Payment.objects.exclude(state=PaymentState.FAILED)
    return {
        "placed": models.Order.objects.count(),
        "paid": taken.aggregate(orders=Count("order_number", distinct=True))["orders"],
        "reserved": models.Reservation.objects.count(),
        "shipped": models.Shipment.objects.count(),
    }


def facts(number: str) -> OrderFacts | None:
    """Return all that the shop's services know of one order; None: there is no such order."""
    order = orders_of([number]).get(number)
    if order is None:
        return None
    payments = payments_of([number]).get(number, ())
    return OrderFacts(order=order, payments=payments, reservation=stock_of(number), shipment=shipment_of(number))


def orders_of(numbers: Collection[str]) -> dict[str, PlacedOrder]:
    """Return the orders with these numbers, by number; at most ``NUMBERS_MAX`` are asked for. Raises ``ValueError``."""
    return {each.number: _placed(each) for each in models.Order.objects.filter(number__in=_asked(numbers))}


def orders_beginning(start: str, *, limit: int) -> list[PlacedOrder]:
    """Return orders whose number begins so, the one that is it first, then the newest; at most ``limit``."""
    if not text.is_storable(start):
        return []
    found = models.Order.objects.filter(number__startswith=start)
    exact = [_placed(each) for each in found.filter(number=start)]
    others = found.exclude(number=start).order_by("-placed_at", "-id")
    return [*exact, *(_placed(each) for each in others[: limit - len(exact)])]


def payments_of(numbers: Collection[str]) -> dict[str, tuple[PaymentEntry, ...]]:
    """Return the ledger's entries of these orders, by number, in the order in which they were made; orders without
    any are left out. At most ``NUMBERS_MAX`` are asked for; raises ``ValueError``."""
    found = models.Payment.objects.filter(order_number__in=_asked(numbers)).order_by("order_number", "id")
    by_number = groupby(map(_entry, found), key=lambda entry: entry.order_number)
    return {number: tuple(entries) for number, entries in by_number}


def stock_of(number: str) -> Reserved | None:
    """Return the stock that is put aside for an order; None: there is none."""
    found = models.Reservation.objects.filter(order_number__in=_asked([number])).first()
    if found is None:
        return None
    return Reserved(
        order_number=found.order_number,
        sku=found.sku,
        weight_grams=found.weight_grams,
        reserved_at=found.reserved_at,
    )


def shipment_of(number: str) -> Parcel | None:
    """Return the parcel of an order; None: no carrier has it."""
    found = models.Shipment.objects.filter(order_number__in=_asked([number])).first()
    if found is None:
        return None
    return Parcel(order_number=found.order_number, carrier=found.carrier, shipped_at=found.shipped_at)


def ledger_page(*, after: str, limit: int) -> LedgerPage:
    """Return about ``limit`` payments of the orders behind number ``after``, bytewise; "": from the first one on.

    All payments of an order are on one page: it has fewer than ``limit`` where the last order's would be torn apart,
    and more only for a single order that has more.
    """
    behind = models.Payment.objects.filter(order_number__gt=after).order_by("order_number", "id")
    found = [_entry(each) for each in behind[: limit + 1]]
    if len(found) <= limit:
        return LedgerPage(items=tuple(found), next=None)
    torn = found[-1].order_number
    whole = tuple(entry for entry in found if entry.order_number != torn)
    if not whole:
        whole = payments_of([torn])[torn]
        more = behind.filter(order_number__gt=torn).exists()
        return LedgerPage(items=whole, next=torn if more else None)
    return LedgerPage(items=whole, next=whole[-1].order_number)


def _asked(numbers: Collection[str]) -> list[str]:
    if len(numbers) > NUMBERS_MAX:
        raise ValueError(f"{len(numbers)} orders are asked for, at most {NUMBERS_MAX} at a time")
    return [number for number in numbers if text.is_storable(number)]  # no table has room for the others


def _placed(order: models.Order) -> PlacedOrder:
    return PlacedOrder(
        number=order.number,
        sku=order.sku,
        amount_cents=order.amount_cents,
        currency=order.currency,
        provider=order.provider,
        country=order.country,
        placed_at=order.placed_at,
        state=OrderState(order.state),
        state_changed_at=order.state_changed_at,
    )


def _entry(payment: models.Payment) -> PaymentEntry:
    return PaymentEntry(
        order_number=payment.order_number,
        reference=payment.reference,
        state=PaymentState(payment.state),
        amount_cents=payment.amount_cents,
        refunded_cents=payment.refunded_cents,
        captured_at=payment.captured_at,
        refunded_at=payment.refunded_at,
    )


def pager() -> list[models.PagerMessage]:
    """Return what the demo's pager got last, the newest first."""
    return list(models.PagerMessage.objects.order_by("-id")[:PAGER_SHOWN])
