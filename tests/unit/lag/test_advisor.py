"""Advice on the size of a group."""

from __future__ import annotations

import pytest

from reliability.lag.domain import advisor

BEHIND: dict[str, object] = {
    "inflow_per_s": 1_000.0, "per_member_per_s": 250.0, "lag": 900_000, "partitions": 12, "members": 3,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "keep_up", "drain", "text"),
    [
        (
            {},
            4,
            5,
            "It takes 4 members to keep up and 5 to drain the lag in an hour. One reads 250 records a second.",
        ),
        (
            {"lag": 1, "inflow_per_s": 900.0},
            4,
            4,
            "4 members can keep up and drain the lag in an hour. One reads 250 records a second.",
        ),
        (
            {"inflow_per_s": 0.0, "lag": 5, "members": 1},
            1,
            1,
            "1 member can keep up and drain the lag in an hour. One reads 250 records a second.",
        ),
        (
            {"partitions": 3},
            4,
            5,
            "It takes 4 members to keep up and 5 to drain the lag in an hour. 3 partitions let 3 work at most: "
            "make reading faster, or add partitions. One reads 250 records a second.",
        ),
        (
            {"partitions": 4},
            4,
            5,
            "It takes 4 members to keep up and 5 to drain the lag in an hour. 4 partitions let 4 work at most, "
            "so draining takes longer. One reads 250 records a second.",
        ),
        (
            {"partitions": 6, "members": 11},
            4,
            5,
            "It takes 4 members to keep up and 5 to drain the lag in an hour. There are 11 for 6 partitions: 5 have "
            "nothing to do. One reads 250 records a second.",
        ),
        (
            {"per_member_per_s": None},
            None,
            None,
            "Nothing was read in this time, so what a member can do is not known.",
        ),
        ({"lag": None}, None, None, "What waits or comes in is not known."),
        ({"inflow_per_s": None}, None, None, "What waits or comes in is not known."),
        ({"partitions": 0}, None, None, "It reads no partitions."),
        ({"lag": 0}, 3, 3, "3 members keep up; what they could do at most is not seen."),
        ({"lag": 0, "members": 17}, 12, 12, "12 members keep up; the other 5 have no partition to read."),
        ({"lag": 0, "members": 0}, 0, 0, "Nobody reads it, and nothing waits."),
    ],
)  # fmt: skip
def test_advice_says_how_many_members_it_takes(
    changes: dict[str, object], keep_up: int | None, drain: int | None, text: str
) -> None:
    advice = advisor.advise(**{**BEHIND, **changes})  # type: ignore[arg-type]  # a table of test values
    assert (advice.keep_up, advice.drain, advice.text) == (keep_up, drain, text)
    assert advice.ceiling == {**BEHIND, **changes}["partitions"]


def test_a_whole_quotient_is_not_rounded_up_by_a_float() -> None:
    advice = advisor.advise(inflow_per_s=0.3, per_member_per_s=0.1, lag=1, partitions=9, members=3)
    assert advice.keep_up == 3


@pytest.mark.parametrize(
    ("consumed_per_s", "working", "expected"), [(900.0, 3, 300.0), (0.0, 3, None), (None, 3, None), (900.0, 0, None)]
)
def test_a_members_rate_is_only_known_where_something_was_read(
    consumed_per_s: float | None, working: int, expected: float | None
) -> None:
    assert advisor.per_member(consumed_per_s=consumed_per_s, working=working) == expected
