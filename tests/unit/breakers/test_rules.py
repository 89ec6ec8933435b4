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
        ({"failure_rate": float("inf")}, "it is a number"),
        ({"minimum": float("inf")}, "it is a number"),
        ({"minimum": float("nan")}, "it is a number"),
        ({"minimum": 10**400}, "a number too large; it is a number"),
        ({"minimum": 1e25}, "it is a number"),
        ({"minimum": 10**7}, "it is 1 to 1000000"),
        ({"open_s": 1e12, "open_max_s": 1e12}, "0.001 to 86400 seconds"),
        ({"open_factor": 1e6}, "it is 1 to 100"),
        ({"ramp_s": 1e-320}, "0.001 to 86400 seconds"),
        ({"ramp": list(range(1, 102))}, "grows in percent"),
        ({"ramp": [1] * 500_000}, "grows in percent"),
        ({"ramp": "10,100"}, "list of whole numbers"),
        ({"ramp": [10, 100.0]}, "list of whole numbers"),
        ({"open_s": None}, "a number"),
        ({"x" * 500: 1}, "is no rule"),
    ],
)
def test_changes_that_make_no_sense_are_refused(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(WrongRules, match=told):
        Rules().with_changes(wrong)


def test_a_refusal_is_short_however_long_what_was_given() -> None:
    with pytest.raises(WrongRules) as refused:
        Rules().with_changes({"ramp": [1] * 500_000})
    assert len(str(refused.value)) < 300


def test_no_rules_that_are_accepted_make_a_wait_that_cannot_be_counted() -> None:
    worst = Rules(open_s=0.001, open_max_s=86_400, open_factor=100, ramp_s=0.001)
    assert worst.open_for_s(attempt=10**6, random=0.999) <= 86_400 * 1.1
    assert worst.share(since_s=1e9) == 100
