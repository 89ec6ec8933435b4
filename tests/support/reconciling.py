"""Orders and payments that a test changes and breaks, and a reconciliation over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sagas import reconciliations
from sagas.domain.reconciling.commands import AppendEvent, Command
from sagas.domain.reconciling.definition import (
    Looked,
    Reconciliation,
    SideError,
    automatic,
    difference,
    invariant,
    repair,
)
from sagas.domain.reconciling.pair import Pair, Row
from sagas.queries import histories
from sagas.reconciler import turns

NAME = "test_orders"


class Side:
    """A side that a test changes, and breaks: whole (``down``), after some rows (``breaks_after``), for some keys."""

    streams = True
    looks_up = True

    def __init__(self, what: str) -> None:
        self.what = what
        self.rows: dict[str, list[Row]] = {}
        self.down = ""
        self.breaks_after: int | None = None
        self.silent: dict[str, str] = {}
        self.lookups: list[list[str]] = []

    def stream(self) -> Iterator[tuple[str, Row]]:
        if self.down:
            raise SideError(f"{self.what} {self.down}")
        for number, key in enumerate(sorted(self.rows)):
            if number == self.breaks_after:
                raise SideError(f"{self.what} broke off")
            for row in self.rows[key]:
                yield key, dict(row)

    def lookup(self, keys: Sequence[str]) -> Looked:
        self.lookups.append(list(keys))
        if self.down:
            return Looked(unread=dict.fromkeys(keys, f"{self.what} {self.down}"))
        unread = {key: self.silent[key] for key in keys if key in self.silent}
        return Looked(rows={key: self.rows[key] for key in keys if key in self.rows}, unread=unread)


class Books:
    """Both sides, and the reconciliation over them."""

    def __init__(self, **changes: Any) -> None:
        self.orders, self.payments = Side("orders"), Side("payments")
        self.commands: Any = self.ask_again
        facts: dict[str, Any] = {
            "expected": self.orders,
            "seen": self.payments,
            "every": timedelta(hours=1),
            "invariants": [
                invariant("once", "An order is paid at most once.", holds=lambda pair: len(pair.seen) < 2),
            ],
            "differences": [
                difference(
                    "no_payment",
                    "Nothing was paid",
                    when=lambda pair: _state(pair) == "pending" and not pair.seen,
                    why=lambda pair: f"{pair.key} is pending, and there is no payment.",
                    repairs=[
                        repair(
                            "ask_again",
                            "Ask for the payment again",
                            commands=lambda pair, key: self.commands(pair, key),
                            leads_to=lambda pair: Pair(key=pair.key, expected=[{"state": "paid"}], seen=[{"n": 1}]),
                            policy=automatic(at_most=2) if changes.pop("by_rule", False) else None,
                        )
                    ],
                ),
                difference(
                    "not_marked",
                    "Paid, and not known",
                    when=lambda pair: _state(pair) == "pending",
                    why=lambda pair: f"{pair.key} was paid.",
                    grace=timedelta(minutes=5),
                ),
            ],
        }
        self.defined: Reconciliation = reconciliations.reconciliation(
            NAME, "Orders against payments", **(facts | changes)
        )

    @staticmethod
    def ask_again(pair: Pair, key: str) -> Sequence[Command]:
        return [AppendEvent(topic="payments.asked", key=pair.key, event_type="payment.asked", value={"key": key})]

    def order(self, key: str, state: str = "pending") -> None:
        self.orders.rows[key] = [{"state": state, "amount": 100}]

    def pay(self, key: str, times: int = 1) -> None:
        self.payments.rows[key] = [{"reference": f"{key}-{n}", "amount": 100} for n in range(times)]

    def compare(self) -> bool:
        """Compare both sides now, whosever turn it is."""
        from sagas.models import Comparison

        Comparison.objects.update(began_at=histories.database_now() - timedelta(days=1))
        return turns.compare(self.defined, stop=lambda: False)


def _state(pair: Pair) -> str:
    return str(pair.expected[0]["state"]) if pair.expected else ""


@contextmanager
def books(**changes: Any) -> Iterator[Books]:
    """A reconciliation of its own, forgotten afterwards."""
    try:
        yield Books(**changes)
    finally:
        reconciliations.forget(NAME)
