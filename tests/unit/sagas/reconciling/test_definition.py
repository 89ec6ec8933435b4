"""What can be said wrongly of a reconciliation is refused by a sentence that shows how to say it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sagas.domain.reconciling.definition import WrongReconciliation, automatic, difference, invariant, repair
from tests.unit.sagas.reconciling.world import Rows, ask_again, orders, paid


class NoStream(Rows):
    streams = False


class NoLookup(Rows):
    looks_up = False


def named(name: str, **more: Any) -> Any:
    return difference(name, "D", when=lambda pair: True, why=lambda pair: "", **more)


def mending(name: str, **more: Any) -> Any:
    return repair(name, "R", commands=ask_again, leads_to=paid, **more)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"differences": []}, "it says no way to differ"),
        ({"differences": [named("Bad name")]}, "'Bad name' is no name"),
        ({"differences": [named("a"), named("a")]}, "the name 'a' is given twice"),
        ({"invariants": [invariant("a", "", holds=bool), invariant("a", "", holds=bool)]}, "'a' is given twice"),
        ({"every": timedelta(0)}, "every is less than a second"),
        ({"expected": NoStream("orders")}, "orders cannot be read whole"),
        ({"seen": type("Neither", (NoStream, NoLookup), {})("payments")}, "can neither be read whole nor asked"),
        ({"sagas": ["order"], "seen": NoLookup("payments"), "differences": [named("a")]}, "give it a lookup"),
        ({"seen": NoLookup("payments")}, "looks at both sides before it acts"),
        ({"differences": [named("a", grace=timedelta(seconds=-1))]}, "the grace of a is negative"),
        ({"differences": [named("a", repairs=[mending("m"), mending("m")])]}, "two repairs named 'm'"),
        ({"differences": [named("a", repairs=[mending("m", patience=timedelta(0))])]}, "the patience of m"),
        ({"differences": [named("a", repairs=[mending("m", policy=automatic(at_most=0))])]}, "allows nothing"),
        (
            {"differences": [named("a", repairs=[mending("m"), mending("n", policy=automatic())])]},
            "only the first repair of a can be automatic",
        ),
    ],
)
def test_a_wrong_definition_teaches(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(WrongReconciliation) as refused:
        orders(**changes)
    assert told in str(refused.value)
    assert str(refused.value).startswith("reconciliation 'orders': ")
