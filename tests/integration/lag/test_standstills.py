"""Who is blamed for a partition that stands still, and when: its owner, once he had the time."""

from __future__ import annotations

import pytest

from reliability.lag.domain.values import WINDOW, Word
from reliability.lag.polling.judging import TURN_S
from tests.integration.lag.world import HOT_S, World

pytestmark = pytest.mark.django_db(transaction=True)

BESIDE = "; its member gets on with other partitions"
FIRST = "; its member works off other partitions first"


def test_of_a_partition_that_stands_while_its_member_keeps_up_with_another_that_is_said(world: World) -> None:
    """As with a record that holds up one partition alone."""
    world.group("billing", world.member("one", 0, 1))
    world.commit(10, partition=1)
    world.end(900, partition=1)
    for looks in range(WINDOW):
        world.commit(10 + looks, partition=0)
        world.end(10 + looks + looks % 2, partition=0)
        world.polls()
    assert (world.partition(0).word, world.partition(1).word) == (Word.OK, Word.STALL)
    assert BESIDE in world.partition(1).reason
    assert BESIDE in world.row().reason
    world.group("billing", world.member("one", 0), world.member("two", 1))
    world.commit(20 + WINDOW)
    world.polls()
    assert BESIDE not in world.partition(1).reason, "another's member does"
    world.group("billing", world.member("one", 0, 1))
    world.polls(WINDOW)
    assert (world.partition(1).word, BESIDE in world.partition(1).reason) == (Word.STALL, False), (
        "nor with the other now"
    )


def test_one_bad_record_beside_a_busy_partition_that_keeps_up_stands_still(world: World) -> None:
    """On a busy topic something is always on its way: what one commit takes is no backlog."""
    world.group("billing", world.member("one", 0, 1))
    world.commit(10, partition=1)
    world.end(900, partition=1)
    for looks in range(WINDOW):
        world.commit(500 * looks, partition=0)
        world.end(500 * looks + 20, partition=0)
        world.polls()
    assert (world.partition(0).word, world.partition(1).word) == (Word.OK, Word.STALL)
    assert BESIDE in world.partition(1).reason


def test_a_partition_waits_for_its_turn_while_its_member_works_off_another(world: World) -> None:
    """As after an outage, when one is worked off after the other; but not for ever."""
    world.group("billing", world.member("one", 0, 1))
    for partition in (0, 1):
        world.commit(10, partition=partition)
        world.end(90_000, partition=partition)
    looks = 0

    def gets_on(more: int) -> None:
        nonlocal looks
        for _ in range(more):
            looks += 1
            world.commit(10 + looks, partition=0)
            world.polls()

    gets_on(WINDOW)
    assert (world.row().word, world.partition(0).word, world.partition(1).word) == (Word.WARN, Word.OK, Word.WARN)
    assert FIRST in world.partition(1).reason
    gets_on(int(TURN_S / HOT_S) + 1)
    assert world.partition(1).word == Word.STALL
    assert BESIDE in world.partition(1).reason
    assert FIRST not in world.partition(1).reason


def test_who_has_just_got_a_partition_is_not_blamed_for_the_time_before(world: World) -> None:
    """A service on a busy topic stops, its last member stays for its session, and it is started again behind it all."""
    world.group("billing", world.member("one", 0))
    for looks in range(WINDOW):
        world.commit(100 * looks)
        world.end(100 * looks + 20)
        world.polls()
    world.polls(2)
    world.group()
    world.end(90_000)
    world.polls(20 * WINDOW)
    assert world.row().word == Word.STOP
    world.group("billing", world.member("two", 0))
    world.polls(WINDOW - 1)
    assert (world.row().word, world.partition().word) == (Word.UNKNOWN, Word.UNKNOWN)
    assert "measuring: its owner has had it for" in world.partition().reason
    world.polls()
    assert world.partition().word == Word.STALL, "it had its time"
    world.commit(1_000)
    world.polls()
    assert world.partition().word == Word.OK


def test_who_crashes_and_comes_again_at_once_gets_no_new_time(world: World) -> None:
    world.group("billing", world.member("one", 0))
    world.commit(10)
    world.end(900)
    words = []
    for looks in range(4 * WINDOW):
        world.group("billing", *([world.member(f"member-{looks}", 0)] if looks % 3 else []))
        world.polls()
        words.append(world.partition().word)
    assert set(words[WINDOW:]) == {Word.STOP, Word.STALL}
