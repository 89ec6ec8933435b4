"""Which copy will do, and what comes after a failure."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.degradation.domain.fallback import (
    AHEAD_S,
    Copy,
    Outcome,
    Rules,
    WrongFallback,
    age_s,
    as_text,
    checked_tags,
    in_need,
    is_fresh,
    value_of,
)

RULES = Rules(name="prices", fresh_s=10, stale_s=100)
NOW_S = 1_000_000.0


def copy(age: float, text: str = "1") -> Copy:
    return Copy(text=text, at_s=NOW_S - age)


@pytest.mark.parametrize(
    ("age", "fresh", "usable"),
    [
        (0, True, True),
        (9.9, True, True),
        (10, False, True),
        (99.9, False, True),
        (100, False, False),
        (-AHEAD_S, True, True),
        (-AHEAD_S - 0.1, False, False),
    ],
)
def test_a_copy_is_fresh_then_of_use_in_need_then_nothing(age: float, fresh: bool, usable: bool) -> None:
    assert is_fresh(copy(age), RULES, now_s=NOW_S) is fresh
    outcome, found = in_need([None, copy(age)], RULES, has_default=False, now_s=NOW_S)
    assert (outcome, found) == ((Outcome.STALE, copy(age)) if usable else (Outcome.FAILED, None))


def test_without_a_copy_nothing_is_fresh_and_the_default_is_next() -> None:
    assert is_fresh(None, RULES, now_s=NOW_S) is False
    assert in_need([None], RULES, has_default=True, now_s=NOW_S) == (Outcome.DEFAULT, None)
    assert in_need([], RULES, has_default=False, now_s=NOW_S) == (Outcome.FAILED, None)


@given(st.lists(st.floats(-200, 200), max_size=4))
def test_in_need_it_is_the_newest_that_will_do(ages: list[float]) -> None:
    outcome, found = in_need(map(copy, ages), RULES, has_default=True, now_s=NOW_S)
    usable = [age for age in ages if age_s(copy(age), now_s=NOW_S) < RULES.stale_s]
    assert (outcome is Outcome.STALE) is bool(usable)
    assert found == (copy(min(usable)) if usable else None)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "Prices of today"},
        {"fresh_s": 0},
        {"fresh_s": -1},
        {"fresh_s": True},
        {"fresh_s": "10"},
        {"fresh_s": math.nan},
        {"stale_s": 86_401},
        {"stale_s": 9},
    ],
)
def test_rules_that_make_no_sense_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(WrongFallback):
        Rules(**{"name": "prices", "fresh_s": 10, "stale_s": 100, **changes})


@pytest.mark.parametrize("value", [{1}, object(), b"x", math.nan, math.inf, {1: {2}}])
def test_what_json_has_not_is_refused(value: object) -> None:
    with pytest.raises(WrongFallback, match="no JSON"):
        as_text("prices", value)


def test_values_come_back_as_json_gives_them_and_each_time_anew() -> None:
    kept = Copy(text=as_text("prices", {"a": (1, "\ud800\x00", None)}), at_s=NOW_S)
    assert value_of(kept) == {"a": [1, "\ud800\x00", None]}
    value_of(kept)["a"].append(2)
    assert value_of(kept) == {"a": [1, "\ud800\x00", None]}
    assert kept.text.isascii()


def test_tags_are_texts_each_once() -> None:
    assert checked_tags("prices", ["b", "a", "b"]) == ("a", "b")
    for wrong in ("shoes", 1, [1], [""], ["x" * 201], ["\x00"], ["\ud800"], map(str, range(21))):
        with pytest.raises(WrongFallback):
            checked_tags("prices", wrong)
