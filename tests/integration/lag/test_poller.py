"""What a poller writes down of groups and partitions, poll by poll."""

from __future__ import annotations

import pytest

from reliability.kafka import ports
from reliability.kernel.record import TopicPartition
from reliability.lag.domain.summary import MemberRow
from reliability.lag.domain.values import WINDOW, Word
from reliability.lag.models import Cluster, Event
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
    assert (world.row().word, world.row().reason) == (Word.EMPTY, "no members, and 8 records wait for now")
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
