"""Time limits that lie inside one another."""

from __future__ import annotations

from reliability.console.domain import ladder


def test_limits_in_order_have_no_faults() -> None:
    assert ladder.faults((("call", 1), ("task", 5), ("lease", 10))) == []


def test_an_outer_limit_that_is_not_longer_is_named_with_both_numbers() -> None:
    assert ladder.faults((("call", 7), ("lease", 7.0))) == [
        "lease (7 s) must be longer than call (7 s), which it gives up on"
    ]
