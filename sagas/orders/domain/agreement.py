"""What business orders and the payment service's ledger should agree on, and what mends it where they do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sagas.domain.acts import Act
from sagas.domain.reconciling.commands import ActOnSaga, AppendEvent, Command, TellSaga
from sagas.domain.reconciling.definition import (
    Difference,
    Invariant,
    Repair,
    automatic,
    difference,
    invariant,
    repair,
)
from sagas.domain.reconciling.pair import Pair, Row
from sagas.orders.domain.states import OrderState, PaymentState

GRACE: Final = timedelta(seconds=60)
"""A demo's: so long its services may take for what is a matter of a second. A real shop would say half an hour."""
NEWS_GRACE: Final = timedelta(seconds=30)
BUSINESS_ORDER: Final = "business_order"
PAYMENT_SETTLED: Final = "payment.settled"
PAYMENTS_ASKED: Final = "payments.asked"
PAYMENTS_REFUNDED: Final = "payments.refunds"


def invariants() -> list[Invariant]:
    """What holds when all is well."""
    return [
        invariant(
            "served_is_paid",
            "What is paid or shipped has a payment.",
            holds=lambda pair: not _is(pair, OrderState.PAID, OrderState.SHIPPED) or bool(_kept(pair)),
        ),
        invariant("paid_once", "An order is paid at most once.", holds=lambda pair: len(_kept(pair)) < 2),
        invariant(
            "no_more_than_asked",
            "No more is kept than was asked for.",
            holds=lambda pair: not pair.expected or sum(_cents(each) for each in _kept(pair)) <= _asked(pair),
        ),
        invariant(
            "paid_is_known",
            "An order that was paid knows it.",
            holds=lambda pair: not _is(pair, OrderState.PENDING) or not _kept(pair),
        ),
        invariant(
            "cancelled_is_given_back",
            "Nothing is kept of a cancelled order.",
            holds=lambda pair: not _is(pair, OrderState.CANCELLED) or not _kept(pair),
        ),
    ]


def differences() -> list[Difference]:
    """How they can differ; the first that fits is the one."""
    return [*_about_money(), *_about_waiting()]


def _about_money() -> list[Difference]:
    """More is kept than should be."""
    return [
        difference(
            "cancelled_and_kept",
            "Cancelled, and the money is kept",
            when=lambda pair: _is(pair, OrderState.CANCELLED) and bool(_kept(pair)),
            why=lambda pair: f"The order was cancelled, and {_sum(pair)} of it are kept.",
            since=lambda pair: _latest(pair, pair.expected[0]["state_changed_at"]),
            grace=GRACE,
            # Safe without anybody: it gives back, once, what nobody has a claim to.
            repairs=[_refund_all(policy=True)],
        ),
        difference(
            "paid_twice",
            "Paid twice",
            when=lambda pair: bool(pair.expected) and len(_kept(pair)) > 1,
            why=lambda pair: f"There are {len(_kept(pair))} payments: {', '.join(_references(pair))}.",
            repairs=[_refund_later()],
        ),
        difference(
            "other_amount",
            "Another amount was paid",
            when=lambda pair: bool(pair.expected) and any(_cents(each) != _asked(pair) for each in _kept(pair)),
            why=lambda pair: f"{_sum(pair)} were paid, {_money(_asked(pair))} were asked for.",
            repairs=[_refund_difference()],
        ),
    ]


def _about_waiting() -> list[Difference]:
    """The order does not know what became of its payment, or nothing did."""
    return [
        difference(
            "not_marked",
            "Paid, and the order does not know it",
            when=lambda pair: _is(pair, OrderState.PENDING) and bool(_kept(pair)),
            why=lambda pair: f"{_references(pair)[0]} was paid, and the order is still pending.",
            since=lambda pair: _latest(pair, None),
            grace=NEWS_GRACE,
            repairs=[_mark_paid()],
        ),
        difference(
            "payment_failed",
            "The payment failed, and the order waits for it",
            when=lambda pair: _is(pair, OrderState.PENDING) and bool(pair.seen),
            why=lambda pair: "The payment service declined it, and the order was told nothing.",
            since=lambda pair: _latest(pair, None),
            grace=NEWS_GRACE,
            repairs=[_cancel(), _ask_again()],
        ),
        difference(
            "no_payment",
            "Pending too long, and nothing was paid",
            when=lambda pair: _is(pair, OrderState.PENDING),
            why=lambda pair: "The order is pending, and the payment service knows of no payment.",
            since=lambda pair: _time(pair.expected[0]["placed_at"]),
            grace=GRACE,
            repairs=[_ask_again(), _cancel()],
        ),
        difference(
            "not_paid",
            "Served, and never paid",
            when=lambda pair: _is(pair, OrderState.PAID, OrderState.SHIPPED) and not _kept(pair),
            why=lambda pair: f"The order is {_state(pair)}, and nothing of it is kept.",
            since=lambda pair: _time(pair.expected[0]["state_changed_at"]),
            grace=GRACE,
        ),
    ]


def _ask_again() -> Repair:
    def commands(pair: Pair, key: str) -> Sequence[Command]:
        body = {name: pair.expected[0][name] for name in ("amount_cents", "currency", "provider")}
        return [_event(PAYMENTS_ASKED, pair, "payment.asked", {**body, "key": key})]

    return repair("ask_again", "Ask for the payment again", commands=commands, leads_to=_paid)


def _cancel() -> Repair:
    def commands(pair: Pair, key: str) -> Sequence[Command]:
        return [ActOnSaga(definition=BUSINESS_ORDER, key=pair.key, act=Act.COMPENSATE)]

    return repair("cancel", "Cancel the order", commands=commands, leads_to=_with(state=OrderState.CANCELLED))


def _mark_paid() -> Repair:
    def commands(pair: Pair, key: str) -> Sequence[Command]:
        paid = _kept(pair)[0]
        payload = {"reference": paid["reference"], "amount_cents": paid["amount_cents"]}
        return [
            TellSaga(
                definition=BUSINESS_ORDER,
                key=pair.key,
                event=PAYMENT_SETTLED,
                event_id=str(paid["reference"]),
                payload=payload,
            )
        ]

    return repair("mark_paid", "Mark as paid", commands=commands, leads_to=_with(state=OrderState.PAID))


def _refund_later() -> Repair:
    def commands(pair: Pair, key: str) -> Sequence[Command]:
        # The key is that of the payment, not of the try: a second try while the first is still on its way adds nothing.
        later = [str(each["reference"]) for each in _kept(pair)[1:]]
        return [_refund(pair, f"later/{reference}", reference=reference) for reference in later]

    def leads_to(pair: Pair) -> Pair:
        first = _kept(pair)[0]
        given = [each if each is first or each["state"] == PaymentState.FAILED else _given(each) for each in pair.seen]
        return Pair(key=pair.key, expected=pair.expected, seen=given)

    return repair("refund_later", "Refund the later payment", commands=commands, leads_to=leads_to)


def _refund_difference() -> Repair:
    def commands(pair: Pair, key: str) -> Sequence[Command]:
        over = [each for each in _kept(pair) if _cents(each) > _asked(pair)]
        # An amount is relative to what was given back before, so that is in the key: whoever tries again while the
        # first request is still on its way asks for the same refund, which the ledger gives once.
        return [
            _refund(
                pair,
                f"difference/{each['reference']}/{each['refunded_cents']}",
                reference=str(each["reference"]),
                amount_cents=_cents(each) - _asked(pair),
            )
            for each in over
        ]

    def leads_to(pair: Pair) -> Pair:
        seen = [
            {**each, "refunded_cents": each["amount_cents"] - min(_cents(each), _asked(pair))} for each in pair.seen
        ]
        return Pair(key=pair.key, expected=pair.expected, seen=seen)

    return repair("refund_difference", "Refund the difference", commands=commands, leads_to=leads_to)


def _refund_all(*, policy: bool) -> Repair:
    def commands(pair: Pair, key: str) -> Sequence[Command]:
        return [_refund(pair, key)]

    def leads_to(pair: Pair) -> Pair:
        return Pair(key=pair.key, expected=pair.expected, seen=[_given(each) for each in pair.seen])

    return repair(
        "refund_all",
        "Give the money back",
        commands=commands,
        leads_to=leads_to,
        policy=automatic(at_most=5) if policy else None,
    )


def _event(topic: str, pair: Pair, event_type: str, body: Mapping[str, Any]) -> AppendEvent:
    return AppendEvent(topic=topic, key=pair.key, event_type=event_type, value={"order_id": pair.key, **body})


def _refund(pair: Pair, key: str, **more: Any) -> AppendEvent:
    return _event(PAYMENTS_REFUNDED, pair, "payment.refund_asked", {"key": key, **more})


def _paid(pair: Pair) -> Pair:
    told = pair.expected[0]
    failed = [each for each in pair.seen if each["state"] != PaymentState.FAILED]
    made = {
        "reference": f"{told['provider']}-{pair.key}",
        "state": PaymentState.COMPLETED,
        "amount_cents": told["amount_cents"],
        "refunded_cents": 0,
        "captured_at": told["placed_at"],
    }
    return Pair(key=pair.key, expected=[{**told, "state": OrderState.PAID}], seen=[*failed, made])


def _with(*, state: OrderState) -> Callable[[Pair], Pair]:
    def leads_to(pair: Pair) -> Pair:
        return Pair(key=pair.key, expected=[{**each, "state": state} for each in pair.expected], seen=pair.seen)

    return leads_to


def _given(payment: Row) -> Row:
    if payment["state"] == PaymentState.FAILED:
        return payment
    return {**payment, "state": PaymentState.REFUNDED, "refunded_cents": payment["amount_cents"]}


def _state(pair: Pair) -> str:
    return str(pair.expected[0]["state"]) if pair.expected else ""


def _is(pair: Pair, *states: OrderState) -> bool:
    return _state(pair) in states


def _asked(pair: Pair) -> int:
    return int(pair.expected[0]["amount_cents"]) if pair.expected else 0


def _cents(payment: Row) -> int:
    """What is kept of a payment."""
    return int(payment["amount_cents"]) - int(payment["refunded_cents"])


def _kept(pair: Pair) -> list[Row]:
    """Payments of which something is kept, the first one first."""
    kept = [each for each in pair.seen if each["state"] == PaymentState.COMPLETED and _cents(each) > 0]
    return sorted(kept, key=lambda each: (str(each["captured_at"]), str(each["reference"])))


def _references(pair: Pair) -> list[str]:
    return [str(each["reference"]) for each in _kept(pair)]


def _sum(pair: Pair) -> str:
    return _money(sum(_cents(each) for each in _kept(pair)))


def _money(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def _time(value: object) -> datetime:
    """A time, which an API tells as a text."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))


def _latest(pair: Pair, other: object) -> datetime:
    times = [_time(each["captured_at"]) for each in pair.seen]
    return max([*times, _time(other)] if other is not None else times)
