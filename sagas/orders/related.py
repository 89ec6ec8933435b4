"""What the shop knows of an order, as its page shows it: the order, its payments, its stock, its parcel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from reliability import access
from reliability.console import registry, related
from reliability.console.domain.values import Part, Status, TimelineRow
from sagas.orders import queries
from sagas.orders.domain.facts import PaymentEntry, PlacedOrder
from sagas.orders.domain.states import OrderState, PaymentState

RIGHT: Final = "orders.view"
FOUND_MAX: Final = 10
ORDERS: Final[dict[OrderState, tuple[Status, str]]] = {
    OrderState.PENDING: ("prog", "Pending"),
    OrderState.PAID: ("prog", "Paid"),
    OrderState.SHIPPED: ("ok", "Shipped"),
    OrderState.CANCELLED: ("paused", "Cancelled"),
}
PAYMENTS: Final[dict[PaymentState, tuple[Status, str]]] = {
    PaymentState.COMPLETED: ("ok", "Taken"),
    PaymentState.FAILED: ("crit", "Refused"),
    PaymentState.REFUNDED: ("paused", "Given back"),
}
"""Shape and word of each."""


def register() -> None:
    """Register a section for each of the shop's services, and the search for orders."""
    services = {"Order": order, "Payments": payments, "Stock": stock, "Shipment": shipment}
    for place, (name, ask) in enumerate(services.items()):
        source = registry.Related(name=name, act=RIGHT, ask=_told(ask), order=10 + place, is_itself=ask is order)
        registry.register_related("order", source)
    registry.register_finder(find)


def _told(ask: Callable[[str], Sequence[Part]]) -> Callable[[access.Actor, str, float], Sequence[Part]]:
    """A service's answer is the same for everybody who may see orders."""

    def told(actor: access.Actor, number: str, within_s: float) -> Sequence[Part]:
        return ask(number)

    return told


def find(actor: access.Actor, wanted: str) -> Sequence[Part]:
    """Return the orders whose number begins so, the newest first."""
    if not wanted or not access.may(actor, RIGHT):
        return []
    return [
        Part(
            kind="order",
            title=row.number,
            text=_article(row),
            url=related.url("order", row.number),
            status=ORDERS[row.state][0],
            word=ORDERS[row.state][1],
            at=row.state_changed_at,
        )
        for row in queries.orders_beginning(wanted, limit=FOUND_MAX)
    ]


def order(number: str) -> Sequence[Part]:
    """Return the order of this number, if there is one."""
    row = queries.orders_of([number]).get(number)
    if row is None:
        return []
    status, word = ORDERS[row.state]
    happened = [TimelineRow(at=row.placed_at, kind="machine", status="ok", text=f"placed: {_article(row)}")]
    if row.state is not OrderState.PENDING:
        happened.append(TimelineRow(at=row.state_changed_at, kind="machine", status=status, text=f"is {row.state}"))
    return [
        Part(
            kind="order",
            title=_article(row),
            text="",
            url="",
            status=status,
            word=word,
            at=row.state_changed_at,
            facts=(("Placed", row.placed_at), ("Pays through", row.provider), ("Goes to", row.country)),
            happened=tuple(happened),
        )
    ]


def payments(number: str) -> Sequence[Part]:
    """Return the ledger's entries of an order, the newest first."""
    found = queries.payments_of([number]).get(number, ())
    placed = queries.orders_of([number]).get(number) if found else None
    return [_payment(entry, placed.currency if placed is not None else "") for entry in reversed(found)]


def _payment(entry: PaymentEntry, currency: str) -> Part:
    status, word = PAYMENTS[entry.state]
    back = (("Given back", _money(entry.refunded_cents, currency)), ("Kept", _money(entry.kept_cents, currency)))
    return Part(
        kind="payment",
        title=_money(entry.amount_cents, currency),
        text=entry.reference,
        url="",
        status=status,
        word=word,
        at=entry.refunded_at or entry.captured_at,
        facts=back if entry.refunded_cents else (),
        happened=tuple(_of_payment(entry, currency)),
    )


def _of_payment(entry: PaymentEntry, currency: str) -> Iterator[TimelineRow]:
    amount, failed = _money(entry.amount_cents, currency), entry.state is PaymentState.FAILED
    yield TimelineRow(
        at=entry.captured_at,
        kind="machine",
        status="crit" if failed else "ok",
        text=f"{amount} {'refused' if failed else 'taken'}: {entry.reference}",
    )
    if entry.refunded_at is not None:
        back = _money(entry.refunded_cents, currency)
        yield TimelineRow(
            at=entry.refunded_at, kind="machine", status="warn", text=f"{back} given back in all: {entry.reference}"
        )


def stock(number: str) -> Sequence[Part]:
    """Return what is put aside for an order."""
    row = queries.stock_of(number)
    if row is None:
        return []
    return [
        Part(
            kind="reservation",
            title=row.sku,
            text=f"{row.weight_grams:,} g" if row.weight_grams else "",
            url="",
            status="ok",
            word="Put aside",
            at=row.reserved_at,
            happened=(TimelineRow(at=row.reserved_at, kind="machine", status="ok", text=f"{row.sku} put aside"),),
        )
    ]


def shipment(number: str) -> Sequence[Part]:
    """Return the parcel of an order."""
    row = queries.shipment_of(number)
    if row is None:
        return []
    said = f"handed over, goes by {row.carrier}"
    return [
        Part(
            kind="shipment",
            title=f"by {row.carrier}",
            text="",
            url="",
            status="ok",
            word="Shipped",
            at=row.shipped_at,
            happened=(TimelineRow(at=row.shipped_at, kind="machine", status="ok", text=said),),
        )
    ]


def _article(row: PlacedOrder) -> str:
    return f"{row.sku}, {_money(row.amount_cents, row.currency)}"


def _money(cents: int, currency: str) -> str:
    sign, whole = ("-", -cents) if cents < 0 else ("", cents)
    return f"{sign}{whole // 100:,}.{whole % 100:02d} {currency}".strip()
