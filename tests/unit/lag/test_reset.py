"""Plans of resets, what forbids them, and their undo."""

from __future__ import annotations

from typing import Any

import pytest

from reliability.kernel.record import TopicPartition
from reliability.lag.domain import reset
from reliability.lag.domain.reset import BadTarget, How, Position, Row, Target

ORDERS_0, ORDERS_1 = TopicPartition("orders", 0), TopicPartition("orders", 1)
EARLIEST, LATEST = Target(how=How.EARLIEST), Target(how=How.LATEST)
SINCE = Target(how=How.TIME, time_ms=1_800_000_000_000)


def at(offset: int) -> Target:
    return Target(how=How.OFFSET, offset=offset)


def by(shift: int) -> Target:
    return Target(how=How.SHIFT, shift=shift)


def position(committed: int | None = 60, start: int | None = 10, end: int | None = 100, **more: object) -> Position:
    return Position(ORDERS_0, committed, start, end, **more)  # type: ignore[arg-type]  # a table of test values


def row_of(target: Target, *positions: Position) -> Row:
    (row,) = reset.plan(target, positions).rows
    return row


@pytest.mark.parametrize(
    ("target", "found", "after", "replayed", "skipped", "note"),
    [
        (EARLIEST, position(), 10, 50, 0, ""),
        (LATEST, position(), 100, 0, 40, ""),
        (at(40), position(), 40, 20, 0, ""),
        (at(60), position(), 60, 0, 0, "already there"),
        (at(0), position(0, 0, 100), 0, 0, 0, "already there"),
        (at(5), position(), 10, 50, 0, "asked for 5, the log begins at 10"),
        (at(5_000), position(), 100, 0, 40, "asked for 5,000, the log ends at 100"),
        (SINCE, position(at_time=55), 55, 5, 0, ""),
        (SINCE, position(), 100, 0, 40, "no record since then: the end"),
        (by(-20), position(), 40, 20, 0, ""),
        (by(15), position(), 75, 0, 15, ""),
        (by(15), position(0, 0, 100), 15, 0, 15, ""),  # offset 0 is an offset
        (by(-70), position(), 10, 50, 0, "asked for -10, the log begins at 10"),
        # A commit before the log: what is deleted is neither replayed nor skipped.
        (EARLIEST, position(4), 10, 0, 0, ""),
        (LATEST, position(4), 100, 0, 90, ""),
        # A commit beyond the log of a recreated topic.
        (LATEST, position(900), 100, 0, 0, ""),
        (EARLIEST, position(900), 10, 90, 0, ""),
        (EARLIEST, position(None), 10, 0, 0, "no commit before: what was read is not known"),
        (EARLIEST, position(10, 10, 10), 10, 0, 0, "already there"),
    ],
)
def test_a_plan_says_what_becomes_of_a_partition(
    target: Target, found: Position, after: int, replayed: int, skipped: int, note: str
) -> None:
    row = row_of(target, found)
    assert (row.after, row.replayed, row.skipped, row.note) == (after, replayed, skipped, note)
    assert row.changes is (after != found.committed)


@pytest.mark.parametrize(
    ("target", "found", "note"),
    [
        (by(5), position(None), "left as it is: no commit to shift from"),
        (LATEST, position(end=None), "left as it is: where its log begins and ends is not known"),
        (EARLIEST, position(start=None), "left as it is: where its log begins and ends is not known"),
        (LATEST, position(problem="the partition has no leader"), "left as it is: the partition has no leader"),
    ],
)
def test_what_cannot_be_told_is_left_as_it_is(target: Target, found: Position, note: str) -> None:
    row = row_of(target, found)
    assert (row.after, row.changes, row.note) == (None, False, note)


def test_a_file_moves_only_what_it_names() -> None:
    target = Target(how=How.FILE, offsets={ORDERS_1: 30, TopicPartition("gone", 7): 5})
    plan = reset.plan(target, [position(), position()._replace(place=ORDERS_1)])
    assert [(row.place, row.after) for row in plan.rows] == [(("gone", 7), None), (ORDERS_1, 30)]
    assert plan.rows[0].note == "left as it is: there is no such partition"


def test_totals_are_sums_over_the_rows() -> None:
    plan = reset.plan(at(50), [position(), position(20)._replace(place=ORDERS_1)])
    assert (plan.replayed, plan.skipped, len(plan.changed)) == (10, 30, 2)


@pytest.mark.parametrize(
    ("how", "more"),
    [
        (How.TIME, {}),
        (How.TIME, {"time_ms": -1}),
        (How.OFFSET, {}),
        (How.OFFSET, {"offset": -1}),
        (How.SHIFT, {}),
        (How.SHIFT, {"shift": 0}),
        (How.FILE, {}),
    ],
)
def test_a_target_without_what_its_kind_needs_is_refused(how: How, more: dict[str, int]) -> None:
    with pytest.raises(BadTarget):
        Target(how=how, **more)  # type: ignore[arg-type]  # a table of test values


def test_equal_plans_have_equal_hashes_whatever_the_order_and_the_ends() -> None:
    places = [position(), position()._replace(place=ORDERS_1)]
    plan = reset.plan(at(50), places)
    assert plan.hash == reset.plan(at(50), places[::-1]).hash
    assert plan.hash == reset.plan(at(50), [each._replace(end=500) for each in places]).hash
    assert plan.hash == reset.hash_of(plan.rows[::-1])
    assert len(plan.hash) == 64


@pytest.mark.parametrize("field", ["topic", "partition", "before", "after"])
def test_a_row_that_was_changed_changes_the_hash(field: str) -> None:
    plan = reset.plan(at(50), [position()])
    changed: dict[str, Any] = {"topic": "other", "partition": 3, "before": 61, "after": 51}
    assert reset.hash_of([plan.rows[0]._replace(**{field: changed[field]})]) != plan.hash


def test_commits_that_moved_since_the_preview_are_found() -> None:
    plan = reset.plan(at(50), [position(), position()._replace(place=ORDERS_1)])
    assert reset.drifted(plan.rows, {ORDERS_0: 60, ORDERS_1: 60}) == ()
    assert [row.place for row in reset.drifted(plan.rows, {ORDERS_0: 60, ORDERS_1: 61})] == [ORDERS_1]
    assert [row.place for row in reset.drifted(plan.rows, {ORDERS_0: 60})] == [ORDERS_1]
    kept = reset.plan(at(60), [position()])
    assert reset.drifted(kept.rows, {ORDERS_0: 99}) == ()  # it is not touched, wherever it goes


def test_an_undo_sets_every_commit_back_and_forgets_those_that_were_not_there() -> None:
    third = TopicPartition("orders", 2)
    before = [position(), position(None)._replace(place=ORDERS_1), position(50)._replace(place=third)]
    undo = reset.undo(reset.plan(at(50), before).rows)
    assert undo.offsets == {ORDERS_0: 60}
    assert undo.forget == (ORDERS_1,)
    back = reset.plan(Target(how=How.FILE, offsets=undo.offsets), [position(50)])
    assert [(row.before, row.after) for row in back.rows] == [(50, 60)]


@pytest.mark.parametrize(
    ("state", "members", "moving", "problems", "words"),
    [
        ("empty", 0, (), (), []),
        ("stable", 2, (), (), ["2 members are in the group: stop its consumers"]),
        ("empty", 1, (), (), ["1 member is in the group: stop its consumers"]),  # one joined between two answers
        ("preparing_rebalance", 0, (), (), ["The group is preparing rebalance, not empty: wait until its rebalance"]),
        ("dead", 0, (), (), ["The group is dead, not empty: there are no commits to reset"]),
        ("unknown", 0, (), (), ["Whether it has members is not known"]),
        ("", 0, (), (), ["Whether it has members is not known"]),
        ("empty", 0, [ORDERS_1, ORDERS_0], (), ["Commits still move (orders 0, orders 1)"]),
        (
            "empty",
            0,
            [TopicPartition("orders", at) for at in range(9)],
            (),
            ["Commits still move (orders 0, orders 1, orders 2 and 6 more)"],
        ),
        ("empty", 0, (), ["orders 3 has no leader."], ["orders 3 has no leader: mend this first"]),
        ("stable", 1, [ORDERS_0], ["x"], ["1 member is", "Commits still move", "x: mend"]),
    ],
)
def test_what_forbids_a_reset_is_said_with_what_to_do(
    state: str, members: int, moving: list[TopicPartition], problems: list[str], words: list[str]
) -> None:
    found = reset.guards(state=state, members=members, moving=moving, problems=problems)
    assert len(found) == len(words)
    assert all(sentence.startswith(start) for sentence, start in zip(found, words, strict=True))
