"""Rules: what makes no sense is refused by name, in code and when a person changes them."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from reliability.breakers.domain.rules import Rules, WrongRules


@pytest.mark.parametrize(
    "wrong",
    [
        {"window_s": 0},
        {"minimum": 0},
        {"failure_rate": 0.0},
        {"failure_rate": 1.1},
        {"slow_rate": 0.0},
        {"quorum": 0},
        {"open_max_s": 1.0},
        {"jitter": 1.0},
        {"permits": 0},
        {"ramp": ()},
        {"ramp": (10, 50)},
        {"ramp": (50, 10, 100)},
        {"ramp": (0, 100)},
        {"failure_rate": float("nan")},
    ],
)
def test_rules_that_make_no_sense_are_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(WrongRules, match=re.escape(next(iter(wrong)))):
        Rules(**wrong)  # type: ignore[arg-type]


def test_rules_come_back_from_their_text_and_are_changed_by_name() -> None:
    rules = Rules(window_s=60, ramp=(50, 100), failure_rate=0.25)
    assert Rules().with_changes(json.loads(rules.as_json())) == rules
    assert rules.with_changes({"minimum": 5.0, "open_s": 3}) == replace(rules, minimum=5, open_s=3.0)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"colour": 1}, "'colour' is no rule"),
        ({"minimum": 2.5}, "whole number"),
        ({"minimum": True}, "a number"),
        ({"minimum": "many"}, "a number"),
        ({"failure_rate": float("inf")}, "more than 0"),
        ({"minimum": float("inf")}, "whole number"),
        ({"minimum": float("nan")}, "whole number"),
        ({"ramp": "10,100"}, "list of whole numbers"),
        ({"ramp": [10, 100.0]}, "list of whole numbers"),
        ({"open_s": None}, "a number"),
        ({"x" * 500: 1}, "is no rule"),
    ],
)
def test_changes_that_make_no_sense_are_refused(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(WrongRules, match=told):
        Rules().with_changes(wrong)
