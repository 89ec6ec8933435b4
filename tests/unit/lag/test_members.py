"""Members that come, go and carry."""

from __future__ import annotations

import pytest

from reliability.kafka.ports.groups import GroupMember
from reliability.kernel.record import TopicPartition
from reliability.lag.domain import members
from reliability.lag.domain.members import Kind, Skew


def places(*numbers: int) -> frozenset[TopicPartition]:
    return frozenset(TopicPartition("orders", number) for number in numbers)


def member(
    name: str,
    *owns: int,
    member_id: str = "",
    static: str | None = None,
    target: frozenset[TopicPartition] | None = None,
) -> GroupMember:
    return GroupMember(
        id=member_id or f"{name}-1",
        client_id=name,
        host="/10.0.0.3",
        instance_id=static,
        owns=places(*owns),
        target=target,
    )


def told(before: list[GroupMember], after: list[GroupMember]) -> list[tuple[str, str, int, int]]:
    return [
        (each.kind, each.member.client_id, len(each.gained), len(each.lost)) for each in members.diff(before, after)
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([], [], []),
        ([member("a", 0, 1)], [member("a", 0, 1)], []),
        ([], [member("a", 0, 1)], [("joined", "a", 2, 0)]),
        ([member("a", 0, 1)], [], [("left", "a", 0, 2)]),
        (
            [member("a", 0, 1), member("b", 2, 3)],
            [member("a", 0, 1, 2, 3)],
            [("left", "b", 0, 2), ("moved", "a", 2, 0)],
        ),
        ([member("a", 0, 1)], [member("a", 0), member("b", 1)], [("joined", "b", 1, 0), ("moved", "a", 0, 1)]),
        # A dynamic member that restarts is another one to the group.
        ([member("a", 0)], [member("a", 0, member_id="a-2")], [("left", "a", 0, 1), ("joined", "a", 1, 0)]),
        # A static one keeps its place.
        ([member("a", 0, static="w1")], [member("a", 0, member_id="a-2", static="w1")], [("returned", "a", 0, 0)]),
        ([member("a", 0, static="w1")], [member("a", 1, member_id="a-2", static="w1")], [("returned", "a", 1, 1)]),
        ([member("a", 0, static="w1")], [member("a", 0, static="w2")], [("left", "a", 0, 1), ("joined", "a", 1, 0)]),
        # An empty static id is none.
        (
            [member("a", 0, static="")],
            [member("a", 0, member_id="a-2", static="")],
            [("left", "a", 0, 1), ("joined", "a", 1, 0)],
        ),
    ],
)  # fmt: skip
def test_two_descriptions_tell_what_became_of_each_member(
    before: list[GroupMember], after: list[GroupMember], expected: list[tuple[str, str, int, int]]
) -> None:
    assert told(before, after) == expected


def test_members_that_share_a_client_id_are_told_apart() -> None:
    before = [member("rdkafka", 0, member_id="x"), member("rdkafka", 1, member_id="y")]
    assert told(before, before[:1]) == [("left", "rdkafka", 0, 1)]


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ([member("a", 0)], [member("a", 0)], ""),
        (
            [member("a", 0, static="w1"), member("b", 1, 2, static="w2")],
            [member("a", 0, 1, 2, static="w1")],
            "w2 left; 2 partitions got a new owner",
        ),
        ([member("a", 0)], [], "a at 10.0.0.3 left; nobody owns 1 partition any more"),
        ([member("a", 0, static="w1")], [member("a", 0, member_id="a-2", static="w1")], "w1 came back"),
        (
            [member("a", 0, static="w1")],
            [member("b", 0, static="w2"), member("c", static="w3")],
            "w1 left; w2 and w3 joined; 1 partition got a new owner",
        ),
        (
            [],
            [member("a", at, static=f"w{at}") for at in range(5)],
            "w0, w1, w2 and 2 more joined; 5 partitions got a new owner",
        ),
        ([], [member("a", static="w\u202eevil")], "w<U+202E>evil joined"),
    ],
)
def test_a_rebalance_is_one_sentence(before: list[GroupMember], after: list[GroupMember], text: str) -> None:
    assert members.rebalance_text(members.diff(before, after)) == text


def test_who_left_first_set_it_off() -> None:
    two, one, none = [member("a", 0), member("b", 1)], [member("a", 0)], [member("c", 0, 1)]
    steps = [(), members.diff(two, one), members.diff(one, none)]
    found = members.trigger(steps)
    assert found is not None
    assert (found.kind, found.member.client_id) == (Kind.LEFT, "b")
    assert members.trigger([members.diff([member("a", 0, 1)], [member("a", 0)])]) is None


def test_only_who_has_and_gets_nothing_is_idle() -> None:
    group = [member("a", 0), member("b"), member("c", target=places(1)), member("d", target=frozenset())]
    assert [each.client_id for each in members.idle(group)] == ["b", "d"]


@pytest.mark.parametrize(
    ("group", "lags", "expected"),
    [
        ([], {}, Skew(None, None)),
        ([member("a")], {}, Skew(None, None)),
        ([member("a", 0), member("b", 1)], {0: 5, 1: 5}, Skew(1.0, 1.0)),
        ([member("a", 0), member("b", 1)], {0: 9, 1: 1}, Skew(1.0, 1.8)),
        ([member("a", 0), member("b", 1)], {0: None, 1: None}, Skew(1.0, None)),
        ([member("a", 0, 1, 2), member("b", 3, 4), member("c", 5, 6)], {}, Skew(1.0, None)),
        ([member("a", 0, 1, 2, 3), member("b", 4), member("c", 5)], {}, Skew(2.0, None)),
        # A member per partition and five idle ones: nobody has too much.
        ([*(member("a", at) for at in range(6)), *[member("b")] * 5], dict.fromkeys(range(6), 4), Skew(1.0, 1.0)),
        ([member("a", 0, 1, 2, 3, 4, 5), member("b")], {}, Skew(2.0, None)),
    ],
)  # fmt: skip
def test_skew_is_measured_against_the_evenest_spread(
    group: list[GroupMember], lags: dict[int, int | None], expected: Skew
) -> None:
    assert members.skew(group, {TopicPartition("orders", at): lag for at, lag in lags.items()}) == expected
