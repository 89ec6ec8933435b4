"""Joining two sides and judging what they say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagas.domain.reconciling.comparing import UNCLASSIFIED, joined, judge
from sagas.domain.reconciling.definition import SideError, difference, reconciliation
from sagas.domain.reconciling.pair import ROWS_MAX, Pair, Row, fingerprint
from tests.unit.sagas.reconciling.world import T0, Rows, order, orders, payment

KEYS = st.lists(st.text(min_size=1, max_size=3), max_size=8)


def stream(keys: list[str]) -> Iterator[tuple[str, Row]]:
    return iter([(key, {"n": number}) for number, key in enumerate(sorted(keys))])


@given(left=KEYS, right=KEYS)
def test_a_join_has_every_key_of_either_side_once_with_all_its_rows(left: list[str], right: list[str]) -> None:
    found = list(joined(stream(left), stream(right), names=("orders", "payments")))
    assert [pair.key for pair in found] == sorted({*left, *right})
    assert {pair.key: (len(pair.expected), len(pair.seen)) for pair in found} == {
        key: (left.count(key), right.count(key)) for key in {*left, *right}
    }


def test_the_order_of_a_join_is_that_of_the_bytes_of_utf_8() -> None:
    keys = ["Z", "a", "é", "\uffff", "\U0001f600"]
    assert sorted(keys) == sorted(keys, key=str.encode)
    assert [pair.key for pair in joined(stream(keys), stream([]), names=("a", "b"))] == keys


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("b", {}), ("a", {})], "payments is not in the order of its keys: 'a' comes after 'b'"),
        ([("a", {}), ("b", {}), ("a", {})], "'a' comes after 'b'"),
        ([("", {})], "1 to 200 characters"),
        ([("x" * 201, {})], "1 to 200 characters"),
        ([(7, {})], "payments has the key 7"),
        ([("a", {})] * (ROWS_MAX + 1), "more than 50 rows of 'a'"),
    ],
)
def test_a_side_that_is_no_ordered_list_of_keys_is_refused(rows: list[tuple[str, Row]], told: str) -> None:
    with pytest.raises(SideError, match="payments") as refused:
        list(joined(iter([]), iter(rows), names=("orders", "payments")))
    assert told in str(refused.value)


def test_a_join_holds_one_key_of_each_side_at_a_time() -> None:
    read: list[int] = []

    def endless() -> Iterator[tuple[str, Row]]:
        for number in range(10**9):
            read.append(number)
            yield f"{number:012}", {}

    pairs = joined(endless(), endless(), names=("a", "b"))
    for _ in range(10):
        next(pairs)
    assert len(read) < 30


def test_a_pair_that_agrees_has_no_difference() -> None:
    judged = judge(orders(), Pair(key="1", expected=[order("paid")], seen=[payment()]))
    assert (judged.difference, judged.violated, judged.error) == ("", (), "")


def test_the_first_difference_that_fits_is_the_one() -> None:
    judged = judge(orders(), Pair(key="1", expected=[order("pending")]))
    assert (judged.difference, judged.why, judged.since) == ("no_payment", "1 is pending, and there is no payment.", T0)


def test_what_no_difference_speaks_of_is_still_found_when_an_invariant_does_not_hold() -> None:
    judged = judge(orders(), Pair(key="1", expected=[order("paid")], seen=[payment(), payment()]))
    assert judged.difference == UNCLASSIFIED
    assert judged.violated == ("once",)
    assert "An order is paid at most once." in judged.why


def test_what_a_definition_raises_is_told_of_its_key_alone() -> None:
    judged = judge(orders(), Pair(key="1", expected=[{"state": "pending"}]))
    assert judged.error == "KeyError: 'placed_at'"
    assert judged.difference == ""


def test_a_value_that_cannot_be_kept_is_told_of_its_key_alone() -> None:
    assert judge(orders(), Pair(key="1", expected=[{"state": object()}])).error.startswith("TypeError")


def test_a_time_without_a_zone_is_told() -> None:
    naive = difference("d", "D", when=lambda pair: True, why=lambda pair: "", since=lambda pair: datetime(2026, 1, 1))  # noqa: DTZ001
    defined = reconciliation("r", "R", expected=Rows("a"), seen=Rows("b"), differences=[naive])
    assert "without a zone" in judge(defined, Pair(key="1")).error


def test_a_fingerprint_is_of_what_both_sides_say() -> None:
    pair = Pair(key="1", expected=[{"a": Decimal("1.10"), "b": T0}])
    assert fingerprint(pair) == fingerprint(Pair(key="1", expected=[{"b": T0, "a": Decimal("1.10")}]))
    others = [Pair(key="2", expected=pair.expected), Pair(key="1", seen=pair.expected), Pair(key="1", expected=[{}])]
    assert len({fingerprint(pair), *map(fingerprint, others)}) == 4
