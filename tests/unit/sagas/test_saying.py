"""Conditions and texts of a reconciliation that is said without Python."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sagas.domain.reconciling.pair import Pair
from sagas.domain.reconciling.saying import Condition, NoSuchField, filled, same, unknown_places

PAIR = Pair(key="i-1", expected=[{"state": "issued", "cents": 700}], seen=[{"amount": "7.00", "cents": "700"}])
ALONE = Pair(key="i-2", expected=[{"state": "issued", "cents": 5}])
TWICE = Pair(key="i-3", expected=[{"state": "paid"}], seen=[{"n": 1}, {"n": 2}])


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ({"seen": "nothing"}, {ALONE.key}),
        ({"seen": "something"}, {PAIR.key, TWICE.key}),
        ({"seen": "several"}, {TWICE.key}),
        ({"expected": {"state": "issued"}}, {PAIR.key, ALONE.key}),
        ({"expected": {"state": ["paid", "sent"]}}, {TWICE.key}),
        ({"expected": {"state": "issued"}, "seen": "nothing"}, {ALONE.key}),
        ({"seen": {"cents": 700}}, {PAIR.key}),
        ({"differ": [("cents", "cents")]}, set()),
        ({"differ": [("cents", "amount")]}, {PAIR.key}),
    ],
)
def test_a_condition_is_true_of_what_it_says(said: dict[str, Any], fits: set[str]) -> None:
    several = replace(TWICE, expected=[{"state": "paid", "cents": 9}], seen=[{"cents": 9, "amount": 9}] * 2)
    assert {pair.key for pair in (PAIR, ALONE, several) if Condition(**said).holds(pair)} == fits


@pytest.mark.parametrize(
    "said", [{"expected": {"stat": "issued"}}, {"seen": {"cent": 1}}, {"differ": [("cents", "cent")]}]
)
def test_a_field_that_is_misspelled_is_an_error_and_not_never_true(said: dict[str, Any]) -> None:
    with pytest.raises(NoSuchField, match="there are"):
        Condition(**said).holds(PAIR)


@pytest.mark.parametrize(
    ("one", "other", "are"),
    [
        (7, "7.00", True),
        ("7.0", 7, True),
        (0.1, "0.10", True),
        ("00123", "123", False),
        ("a", "A", False),
        (None, None, True),
        (None, "", False),
        (True, 1, False),
        (True, True, True),
        ("NaN", "NaN", True),
        ("1e400", "1e401", False),
        ([1], [1], True),
    ],
)
def test_values_say_the_same_in_whatever_form(one: object, other: object, are: bool) -> None:
    assert same(one, other) is are
    assert same(other, one) is are


def test_places_are_filled_and_a_place_alone_keeps_its_type() -> None:
    said = {
        "a": "{expected.cents}",
        "b": ["{key} over {seen.amount}", 3, None],
        "c": "{repair}",
    }
    assert filled(said, PAIR, repair="r-1") == {
        "a": 700,
        "b": ["i-1 over 7.00", 3, None],
        "c": "r-1",
    }
    assert filled("{seen.amount}", ALONE) is None
    assert filled("over {seen.amount}", ALONE) == "over ?"
    with pytest.raises(NoSuchField, match="there are amount, cents"):
        filled("{seen.gone}", PAIR)


def test_a_value_with_braces_is_not_filled_again() -> None:
    sly = Pair(key="{repair}", expected=[{"state": "{seen.secret}"}], seen=[{"secret": "s"}])
    assert filled("{key}/{expected.state}", sly, repair="r") == "{repair}/{seen.secret}"


def test_decimals_are_told_as_they_are_written() -> None:
    assert filled("{expected.sum}", Pair(key="k", expected=[{"sum": Decimal("12.50")}])) == "12.50"


def test_braces_that_are_no_place_are_found() -> None:
    said = {"a": "{key}", "b": ["{expected.cents}"], "c": {"d": "{expcted.cents}"}, "e": 1, "f": "{"}
    assert unknown_places(said) == ["{expcted.cents}", "{"]
    assert unknown_places({"{key}": 1}) == ["{key}"]
