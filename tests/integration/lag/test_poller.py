"""A poller over a cluster in memory whose every detail a test sets: what it writes down, poll by poll."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reliability.kafka import memory, ports
from reliability.kernel import failpoint
from reliability.kernel.clock import ManualClock
from reliability.kernel.record import TopicPartition
from reliability.lag.domain import schedule
from reliability.lag.domain.summary import MemberRow, PartitionRow
from reliability.lag.domain.values import WINDOW, Word
from reliability.lag.models import Cluster, Event, Group, Minute, Topic
from reliability.lag.polling.poller import Poller
from reliability.locks import operations as locks

pytestmark = pytest.mark.django_db(transaction=True)

PLACE = TopicPartition("orders", 0)
HOT_S = 5.0


class World:
    """A cluster with one topic of two partitions, a clock, and pollers."""

    def __init__(self) -> None:
        self.broker = memory.MemoryBroker()
        self.play = self.broker.play
        self.time = ManualClock()
        self.broker.admin().create_topics({"orders": 2})
        self.pollers: list[Poller] = []
        self.poller = self.another()

    def another(self) -> Poller:
        made = Poller(
            "main",
            make_admin=self.broker.group_admin,
            intervals=schedule.Intervals(hot_s=HOT_S, quiet_s=60.0),
            time=self.time,
        )
        self.pollers.append(made)
        return made

    def member(self, name: str, *partitions: int) -> ports.GroupMember:
        return ports.GroupMember(
            id=f"{name}-id",
            client_id=name,
            host="/127.0.0.1",
            instance_id=None,
            owns=frozenset(TopicPartition("orders", each) for each in partitions),
        )

    def group(self, name: str = "billing", *members: ports.GroupMember, state: str = "") -> None:
        self.play.groups[name] = ports.GroupDescription(
            name=name,
            state=state or ("stable" if members else "empty"),
            protocol="classic",
            assignor="range",
            coordinator=1,
            members=members,
        )

    def commit(self, committed: int, *, name: str = "billing", partition: int = 0) -> None:
        self.broker.group(name).committed[TopicPartition("orders", partition)] = committed

    def end(self, end: int, *, partition: int = 0) -> None:
        self.play.ends[TopicPartition("orders", partition)] = end

    def polls(self, count: int = 1, *, each_s: float = HOT_S) -> None:
        for _ in range(count):
            self.poller.step()
            self.time.advance(each_s)

    def row(self, name: str = "billing") -> Group:
        return Group.objects.get(name=name)

    def partition(self, partition: int = 0, name: str = "billing") -> PartitionRow:
        rows = [PartitionRow(*each) for each in self.row(name).rows]
        return next(row for row in rows if row.partition == partition)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    for poller in made.pollers:
        poller.close()


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
    assert [event.text.split(":")[0] for event in Event.objects.all()] == ["STALL"]
    world.polls(3)
    assert Event.objects.count() == 1


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
    assert event.facts == {"members": 1, "took_s": HOT_S}


def test_a_cluster_that_is_down_keeps_what_is_known_and_says_so(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    world.commit(10)
    world.end(10)
    world.polls()
    before = world.row().polled_at
    world.broker.go_away()
    world.polls(2)
    cluster = Cluster.objects.get()
    assert cluster.error
    assert cluster.error_since is not None
    assert world.row().polled_at == before
    assert world.row().word == Word.OK
    world.broker.come_back()
    world.polls(4, each_s=60)
    assert Cluster.objects.get().error == ""
    assert world.row().polled_at > before


def test_a_broker_without_groups_is_said_to_have_none(world: World) -> None:
    world.play.unsupported.add("groups")
    world.polls()
    assert "no such call" in Cluster.objects.get().error


def test_a_new_poller_goes_on_with_the_samples_of_the_one_before(world: World) -> None:
    world.group()
    world.commit(10)
    world.end(20)
    world.polls(WINDOW)
    since = world.row().word_since
    world.poller.close()
    world.poller = world.another()
    world.polls()
    assert world.row().word == Word.STOP
    assert world.row().word_since == since
    assert not Event.objects.filter(text__startswith="OK").exists()


def test_two_pollers_do_not_work_at_once(world: World) -> None:
    world.group()
    world.polls()
    other = world.another()
    assert other.step() is False
    assert "another process" in str(other.facts()["waits"])
    world.poller.close()
    assert other.step() is True


def test_a_poller_that_lost_its_lease_writes_nothing(world: World) -> None:
    world.group()
    world.polls()
    polled_at = world.row().polled_at
    lease = world.poller._lease
    assert lease is not None
    locks.release(lease=lease)
    taken = locks.acquire(name=lease.name, owner="somebody else", ttl_s=60)
    assert taken is not None
    world.end(99)
    assert world.poller.step() is False
    assert world.row().polled_at == polled_at
    assert world.poller.step() is False
    assert "another process" in str(world.poller.facts()["waits"])


def test_a_group_that_is_deleted_is_dead_and_keeps_its_name(world: World) -> None:
    world.group()
    world.commit(10)
    world.end(10)
    world.polls()
    del world.play.groups["billing"]
    world.broker.group_states.pop("billing")
    world.polls(2)
    row = world.row()
    assert (row.word, row.state, row.topics) == (Word.DEAD, "dead", ["orders"])
    assert row.gone_at is not None
    world.group()
    world.commit(10)
    world.polls(2)
    assert world.row().gone_at is None
    assert world.row().pk == row.pk


@pytest.mark.parametrize("name", ["a b/c", "ü-Δ-\U0001f600", "'\"<script>&", "x" * 249, "../..", "%00", "{{ 1 }}"])
def test_odd_names_are_groups_like_others(world: World, name: str) -> None:
    world.group(name)
    world.commit(10, name=name)
    world.end(12)
    world.polls()
    assert world.row(name).lag == 2


def test_minutes_are_kept_by_topic(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    for looks in range(30):
        world.commit(looks * 10)
        world.end(looks * 20)
        world.polls()
    rows = list(Minute.objects.order_by("at"))
    assert [row.topic for row in rows] == ["orders"] * len(rows)
    assert len(rows) >= 2
    assert rows[1].lag == rows[1].lag_max
    assert rows[1].consumed == pytest.approx(120, abs=11)
    assert rows[1].produced == pytest.approx(240, abs=21)
    assert rows[1].looks == 12


def test_topics_are_kept_with_their_retention_and_partitions(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    world.commit(10)
    world.end(15)
    world.play.retention["orders"] = ports.Retention(ms=3_600_000, bytes=None, deletes=True, compacts=False)
    world.polls()
    topic = Topic.objects.get()
    assert (topic.name, topic.partitions, topic.retention_ms) == ("orders", 2, 3_600_000)
    assert topic.rows[0][:5] == [0, 1, 0, 15, 15]


def test_retention_that_comes_near_is_forecast(world: World) -> None:
    world.group()
    world.commit(10)
    world.end(10)
    world.play.retention["orders"] = ports.Retention(ms=600_000, bytes=None, deletes=True, compacts=False)
    world.polls(2)
    world.end(20)
    world.polls(12)
    row = world.row()
    assert row.loss_s == pytest.approx(600 - 11.5 * HOT_S, abs=2 * HOT_S)


def test_a_kill_in_the_middle_of_a_poll_leaves_the_poll_before(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.group()
    world.commit(10)
    world.end(10)
    world.polls()
    before = world.row().polled_at

    def killed(name: str) -> None:
        if name == "lag.before_record":
            raise SystemExit

    monkeypatch.setattr(failpoint, "reach", killed)
    with pytest.raises(SystemExit):
        world.polls()
    assert world.row().polled_at == before
