"""What a poller writes down of groups and partitions, poll by poll."""

from __future__ import annotations

import pytest

from reliability.kafka import ports
from reliability.kernel.record import TopicPartition
from reliability.lag.domain.summary import MemberRow
from reliability.lag.domain.values import WINDOW, Word
from reliability.lag.models import Cluster, Event
from reliability.lag.polling.judging import TURN_S
from tests.integration.lag.world import HOT_S, PLACE, World

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_group_that_reads_everything_is_ok_at_the_first_look(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    world.commit(10)
    world.end(10)
    world.polls()
    row = world.row()
    assert (row.word, row.lag, row.lag_s, row.partitions, row.untold) == (Word.OK, 0, 0.0, 2, 0)
    assert row.state == "stable"
    assert MemberRow(*row.members[0])[:5] == ("one-id", "one", "/127.0.0.1", None, 2)
    assert Cluster.objects.get(name="main").error == ""


def test_a_member_that_stands_stalls_and_is_told_once(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    world.commit(10)
    for looks in range(WINDOW):
        world.end(20 + looks)
        world.polls()
    row = world.row()
    assert row.word == Word.STALL
    assert "orders 0" in row.reason
    assert row.lag == 29 - 10
    verdicts = Event.objects.filter(kind="verdict")
    assert [event.text.split(":")[0] for event in verdicts] == ["STALL"]
    world.polls(3)
    assert verdicts.count() == 1


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


def test_what_came_after_the_last_member_left_is_not_nothing(world: World) -> None:
    world.group("billing", world.member("one", 0))
    world.commit(10)
    world.end(10)
    world.polls(WINDOW)
    world.group()
    world.polls()
    assert "no members, and nothing waits" in world.row().reason
    world.end(18)
    world.time.advance(60.0)  # it was quiet
    world.polls()
    assert (world.row().word, world.row().reason) == (Word.EMPTY, "no members, and 8 records wait since a moment")
    world.polls(WINDOW)
    assert world.row().word == Word.STOP


def test_a_group_without_members_that_is_behind_has_stopped(world: World) -> None:
    world.group()
    world.commit(10)
    world.end(20)
    world.polls(WINDOW)
    assert world.row().word == Word.STOP
    assert world.partition().lag_s == pytest.approx(HOT_S * (WINDOW - 1), abs=1)
    assert world.partition().at_least, "the record is older than the first look"
    assert world.row().expires_at is not None


def test_what_waits_gets_an_age_from_the_looks_at_the_end(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    world.commit(10)
    world.end(10)
    world.polls(3)
    world.end(20)
    world.polls(4)
    row = world.partition()
    assert not row.at_least
    assert row.lag_s == pytest.approx(3 * HOT_S + 0.9 * HOT_S, abs=HOT_S)


def test_a_steady_drain_has_an_eta(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    world.end(10_000)
    for looks in range(12):
        world.commit(1_000 + looks * 500)
        world.polls()
    row = world.row()
    assert (row.word, row.trend) == (Word.OK, "shrinking")
    assert row.eta_s == pytest.approx((10_000 - 6_500) / 100, rel=0.05)
    assert row.facts["consumed_per_s"] == pytest.approx(100, rel=0.05)


def test_what_cannot_be_told_costs_its_own_row_only(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    world.group("secret")
    world.commit(10)
    world.commit(5, partition=1)
    world.end(10)
    world.play.partition_problems[TopicPartition("orders", 1)] = ports.Problem(code="forbidden", message="not allowed")
    world.play.group_problems["secret"] = ports.Problem(code="forbidden", message="not allowed")
    world.polls()
    assert world.partition(0).word == Word.OK
    assert world.partition(1).word == Word.UNKNOWN
    assert world.partition(1).lag is None
    assert world.row().word == Word.UNKNOWN
    assert world.row().untold == 1
    assert world.row("secret").word == Word.UNKNOWN
    assert "not allowed" in world.row("secret").reason


def test_a_partition_without_leader_is_not_known_and_asked_again(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    world.commit(10)
    world.end(10)
    world.play.leaders[PLACE] = -1
    world.polls()
    assert (world.partition().word, world.partition().reason) == (Word.UNKNOWN, "the partition has no leader")
    del world.play.leaders[PLACE]
    world.polls(2)
    assert world.partition().word == Word.OK


def test_a_recreated_topic_is_ahead_and_a_shortened_one_truncated(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    world.commit(100)
    world.commit(100, partition=1)
    world.end(7)
    world.end(500, partition=1)
    world.play.starts[TopicPartition("orders", 1)] = 150
    world.polls()
    assert (world.partition(0).word, world.partition(0).lag) == (Word.AHEAD, None)
    assert (world.partition(1).word, world.partition(1).lost) == (Word.TRUNCATED, 50)
    assert world.row().lost == 50


def test_an_open_transaction_blocks(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    world.commit(10)
    world.play.stable_ends[PLACE] = 10
    for looks in range(WINDOW):
        world.end(20 + looks)
        world.polls()
    assert world.partition().word == Word.BLOCKED
    assert world.partition().lag == 19


def test_the_transaction_that_blocks_is_named(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    world.commit(10)
    held = ports.OpenTransaction(
        producer_id=4, first_offset=10, transactional_id="billing-7", since_ms=1_760_000_000_000
    )
    world.play.transactions[PLACE] = [held]
    for looks in range(WINDOW):
        world.end(20 + looks)
        world.polls()
    assert "billing-7, last wrote at 08:53:20 UTC, holds offset 10" in world.partition().reason
    assert "billing-7" in world.row().reason


def test_quiet_groups_are_looked_at_rarely_and_at_once_when_something_comes(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    world.commit(10)
    world.end(10)
    world.polls(WINDOW)
    quiet = world.row().polled_at
    world.polls(2)
    assert world.row().polled_at == quiet
    world.end(12)
    world.polls(2)
    assert world.row().lag == 2


def test_a_rebalance_is_told_with_who_left(world: World) -> None:
    world.group("billing", world.member("one", 0), world.member("two", 1))
    world.commit(10)
    world.end(20)
    world.polls(2)
    world.group("billing", state="preparing_rebalance")
    world.polls()
    world.group("billing", world.member("one", 0, 1))
    world.polls()
    event = Event.objects.get(kind="rebalance")
    assert event.text.startswith("two at 127.0.0.1 left")
    assert event.facts == {"members": 1, "took_s": HOT_S, "topics": ["orders"]}


def test_a_record_on_its_way_is_no_lag_to_forecast_or_advise_on(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    world.play.retention["orders"] = ports.Retention(ms=60_000, bytes=None, deletes=True, compacts=False)
    for looks in range(20):
        world.commit(looks - looks % 2)
        world.end(looks)
        world.polls()
    row = world.row()
    assert (row.word, row.lag) == (Word.OK, 1)
    assert (row.trend, row.eta_s, row.loss_s) == ("", None, None)
    assert "what they could do at most is not seen" in row.facts["advice"]
