"""A poller whose cluster, lease, process or names give trouble; and what it keeps for later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection

from reliability.kafka import ports
from reliability.kernel import failpoint
from reliability.kernel.record import TopicPartition
from reliability.lag.domain.values import WINDOW, Word
from reliability.lag.models import Cluster, Event, Minute, Topic
from reliability.lag.polling.poller import TRY_EVERY_S
from reliability.locks import operations as locks
from tests.integration.lag.world import HOT_S, World

pytestmark = pytest.mark.django_db(transaction=True)


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
    assert other.step() is False, "it tries every few seconds only"
    world.time.advance(TRY_EVERY_S)
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


def test_texts_that_clients_choose_keep_no_look_from_being_written(world: World) -> None:
    hostile = "a\x00b\ud800\u202e"
    member = world.member("one", 0, 1)
    world.group("billing", replace(member, client_id=hostile, host=hostile, instance_id=hostile))
    world.commit(10)
    world.end(20)
    world.play.partition_problems[TopicPartition("orders", 1)] = ports.Problem(code="refused", message=hostile)
    world.polls(2)
    row = world.row()
    assert Cluster.objects.get().error == ""
    assert row.members[0][1] == "a\u2400b<U+D800><U+202E>"
    assert "a\u2400b<U+D800><U+202E>" in world.partition(1).reason


def test_a_topic_that_stands_still_is_touched_and_its_track_written_now_and_then(world: World) -> None:
    world.group()
    world.commit(10)
    world.end(20)
    world.polls()
    first = Topic.objects.get(name="orders")
    world.polls(2, each_s=60)
    second = Topic.objects.get(name="orders")
    assert second.polled_at > first.polled_at
    assert (bytes(second.tracks), second.rows) == (bytes(first.tracks), first.rows)
    world.end(21)
    world.polls(1, each_s=60)
    third = Topic.objects.get(name="orders")
    assert third.rows != second.rows
    assert bytes(third.tracks) != bytes(second.tracks)
    world.polls(6, each_s=60)
    assert bytes(Topic.objects.get(name="orders").tracks) != bytes(third.tracks)


def test_a_topic_that_another_poller_wrote_is_written_anew(world: World) -> None:
    world.group()
    world.commit(10)
    world.end(20)
    world.polls()
    world.poller.close()
    world.poller = world.another()
    Topic.objects.update(retention_ms=1)
    world.polls()
    assert Topic.objects.get(name="orders").retention_ms != 1


def test_no_connection_to_the_database_is_kept_while_kafka_is_asked(world: World, monkeypatch: pytest.MonkeyPatch):
    """A process has fewer connections than it may have clusters, and one that does not answer is asked for seconds."""
    kept: dict[str, bool] = {}

    class Watched:
        """A group admin that notes at each question whether the thread holds a connection."""

        def __init__(self, admin: ports.GroupAdmin) -> None:
            self._admin = admin

        def __getattr__(self, name: str) -> Any:
            kept[name] = kept.get(name, False) or connection.connection is not None
            return getattr(self._admin, name)

    admin: Any = Watched(world.broker.group_admin())
    monkeypatch.setattr(world.poller, "_make_admin", lambda: admin)
    world.group("billing", world.member("one", 0, 1))
    world.commit(10)
    world.end(20)
    world.polls(3, each_s=60)
    assert {name for name, held in kept.items() if held} == set()
    assert {"groups", "commits", "ends"} <= set(kept)
    connection.ensure_connection()
    world.poller.step()  # nothing is due
    assert connection.connection is None
