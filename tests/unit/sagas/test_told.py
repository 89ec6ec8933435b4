"""What a step does is told in the words of its code."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

import sagas
from sagas import definitions
from sagas.domain import told
from sagas.domain.history import Side


def charge(data: Mapping[str, Any], key: str) -> None:
    """Take the money, once; raises ``CardDeclined``."""


def refund(data: Mapping[str, Any], key: str) -> None:
    """Give back what was taken. However much that is.

    More about it.
    """


def bare(data: Mapping[str, Any], key: str) -> None: ...


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (charge, "Take the money, once"),
        (refund, "Give back what was taken"),
        (bare, ""),
        (None, ""),
        (partial(charge, {}), ""),
    ],
)
def test_the_first_sentence_without_what_it_raises(work: Any, said: str) -> None:
    assert told.says(work) == said


def test_a_long_one_is_cut() -> None:
    def long(data: Mapping[str, Any], key: str) -> None: ...

    long.__doc__ = "x" * 500
    assert (len(told.says(long)), told.says(long)[-1]) == (told.CHARACTERS_MAX, "…")


def test_a_definition_tells_both_sides_of_a_step_and_nothing_of_what_it_does_not_know() -> None:
    sagas.saga("told", steps=[sagas.step("charge", do=charge, undo=refund), sagas.step("bare", do=bare)])
    try:
        assert definitions.says("told", 1, "charge", Side.DO) == "Take the money, once"
        assert definitions.says("told", 1, "charge", Side.UNDO) == "Give back what was taken"
        assert definitions.says("told", 1, "bare", Side.UNDO) == ""
        assert definitions.says("told", 1, "gone", Side.DO) == ""
        assert definitions.says("told", 2, "charge", Side.DO) == ""
    finally:
        definitions.forget("told", 1)
