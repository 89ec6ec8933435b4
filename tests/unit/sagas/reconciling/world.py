"""Orders against payments, as small as they can be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sagas.domain.reconciling.commands import AppendEvent, Command
from sagas.domain.reconciling.definition import (
    Looked,
    Reconciliation,
    automatic,
    difference,
    invariant,
    reconciliation,
    repair,
)
from sagas.domain.reconciling.pair import Pair, Row

T0 = datetime(2026, 1, 1, tzinfo=UTC)
GRACE = timedelta(minutes=30)
PATIENCE = timedelta(minutes=2)


class Rows:
    """A side that is a dictionary."""

    streams = True
    looks_up = True

    def __init__(self, what: str, rows: dict[str, list[Row]] | None = None) -> None:
        self.what = what
        self.rows = rows or {}

    def stream(self) -> Iterator[tuple[str, Row]]:
        for key in sorted(self.rows):
            for row in self.rows[key]:
                yield key, row

    def lookup(self, keys: Sequence[str]) -> Looked:
        return Looked(rows={key: self.rows[key] for key in keys if key in self.rows})


def order(state: str, *, amount: int = 100, placed: datetime = T0) -> dict[str, Any]:
    return {"state": state, "amount": amount, "placed_at": placed}


def payment(amount: int = 100) -> dict[str, Any]:
    return {"amount": amount}


def state(pair: Pair) -> str:
    return str(pair.expected[0]["state"]) if pair.expected else ""


def ask_again(pair: Pair, key: str) -> Sequence[Command]:
    return [AppendEvent(topic="payments.asked", key=pair.key, event_type="payment.asked", value={"key": key})]


def paid(pair: Pair) -> Pair:
    return Pair(key=pair.key, expected=[order("paid")], seen=[payment()])


def orders(**changes: Any) -> Reconciliation:
    facts: dict[str, Any] = {
        "expected": Rows("orders"),
        "seen": Rows("payments"),
        "invariants": [
            invariant(
                "paid_is_paid",
                "An order that counts as paid has a payment.",
                holds=lambda pair: state(pair) != "paid" or bool(pair.seen),
            ),
            invariant("once", "An order is paid at most once.", holds=lambda pair: len(pair.seen) < 2),
        ],
        "differences": [
            difference(
                "no_payment",
                "Pending too long, and nothing was paid",
                when=lambda pair: state(pair) == "pending" and not pair.seen,
                why=lambda pair: f"{pair.key} is pending, and there is no payment.",
                grace=GRACE,
                since=lambda pair: pair.expected[0]["placed_at"],
                repairs=[
                    repair("ask_again", "Ask again", commands=ask_again, leads_to=paid, policy=automatic(at_most=3))
                ],
            ),
            difference(
                "not_marked",
                "Paid, and the order does not know it",
                when=lambda pair: state(pair) == "pending" and bool(pair.seen),
                why=lambda pair: f"{pair.key} was paid.",
                grace=timedelta(minutes=1),
                repairs=[repair("mark", "Mark as paid", commands=ask_again, leads_to=paid)],
            ),
        ],
    }
    return reconciliation("orders", "Orders against payments", **(facts | changes))
