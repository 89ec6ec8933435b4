"""What a review found: small troubles that must not become large ones, over a cluster in memory."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from reliability.kafka import ports
from reliability.kernel.record import TopicPartition
from reliability.lag.domain.reset import How, Target
from reliability.lag.domain.values import WINDOW, Word
from reliability.lag.models import Alert, Cluster, Event, Group, Minute, Reset, Topic
from reliability.lag.operations import recording, resets
from reliability.lag.polling import concluding, noticing
from tests.integration.lag.world import HOT_S, PLACE, World
from tests.support.actors import actor

pytestmark = pytest.mark.django_db(transaction=True)


def busy(world: World, look: int, *, lag: int) -> None:
    world.end(1_000 + 500 * look)
    world.commit(1_000 + 500 * look - lag)


def test_a_lag_that_creeps_up_between_commits_raises_nothing_and_a_real_one_is_over_again(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    for look in range(60):
        busy(world, look, lag=8 * (look % 60) + 1)
        world.polls()
    assert not Alert.objects.filter(kind="eta", phase__in=("raised", "clearing")).exists()


def test_quiet_groups_have_a_minute_for_each_minute_they_were_looked_at(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    world.commit(10)
    world.end(10)
    world.polls(20)
    world.polls(10, each_s=60.0)
    found = sorted(minute.at for minute in Minute.objects.all())
    steps = {after - before for before, after in pairwise(found)}
    assert len(found) >= 9
    assert steps == {timedelta(minutes=1)}


def test_commits_that_cannot_be_read_for_a_while_leave_the_group_its_partitions_and_topics(world: World) -> None:
    world.group()
    world.commit(10)
    world.end(40)
    world.polls(WINDOW)
    world.play.group_problems["billing"] = ports.Problem(code="unavailable", message="the coordinator is silent")
    world.polls(2)
    row = world.row()
    assert (row.word, row.topics, row.lag, len(row.rows)) == (Word.UNKNOWN, ["orders"], None, 1)
    assert "coordinator is silent" in world.partition().reason
    del world.play.group_problems["billing"]
    world.polls(2)
    assert world.row().word == Word.STOP, "nothing was forgotten"
    assert not Event.objects.filter(text__startswith="Alert over").exists()


def test_a_group_that_is_left_out_of_one_list_is_not_gone(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    world.commit(10)
    world.end(40)
    world.polls(WINDOW)
    kept, state = world.play.groups.pop("billing"), world.broker.group_states.pop("billing")
    world.polls()
    assert world.row().gone_at is None
    world.play.groups["billing"] = kept
    world.broker.group_states["billing"] = state
    world.polls()
    assert world.row().word == Word.STALL
    assert Event.objects.filter(kind="alert").count() == 1


def test_alerts_of_a_group_that_is_gone_do_not_stand_for_ever(world: World) -> None:
    world.group()
    world.commit(10)
    world.end(40)
    world.polls(WINDOW)
    assert Alert.objects.filter(phase="raised").exists()
    del world.play.groups["billing"]
    world.broker.group_states.pop("billing")
    world.polls(2)
    assert not Alert.objects.exists()


def test_one_group_that_nobody_thought_of_does_not_hide_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.group("good")
    world.group("odd")
    world.commit(10, name="good")
    world.commit(10, name="odd")
    world.end(10)
    conclude = concluding._conclude_one

    def failing(name: str, *given: object, **more: object) -> None:
        if name == "odd":
            raise ValueError("year 55840 is out of range")
        conclude(name, *given, **more)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(concluding, "_conclude_one", failing)
    world.polls(2)
    assert list(Group.objects.values_list("name", flat=True)) == ["good"]
    assert Cluster.objects.get().error == ""


def test_an_alert_that_was_cut_off_half_way_is_told_at_the_next_look(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.group()
    world.commit(10)
    world.end(40)
    world.polls(WINDOW - 1)

    def failing(*_: object) -> None:
        raise ValueError("nobody thought of it")

    with monkeypatch.context() as patched:
        patched.setattr(noticing, "rebalances", failing)
        world.polls()
    assert not Alert.objects.exists()
    world.polls()
    assert Alert.objects.get(kind="verdict").phase == "raised"
    assert Event.objects.filter(kind="alert").count() == 1
    assert Event.objects.filter(kind="verdict", text__startswith="STOP").count() == 1


def test_a_hanging_transaction_with_a_time_that_is_none_is_named_without_it(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    world.commit(10)
    world.end(40)
    world.play.transactions[PLACE] = [
        ports.OpenTransaction(
            transactional_id="t-1", producer_id=7, first_offset=10, since_ms=1_700_000_000_000_000_000
        )
    ]
    world.polls(2 * WINDOW)
    assert world.row().word == Word.BLOCKED
    assert "t-1" in world.partition().reason
    assert world.partition().lag_s is not None
    assert (world.partition().lag_s or 0) > HOT_S
    assert world.partition().at_least


def planned(world: World, how: How = How.EARLIEST) -> Reset:
    return resets.plan(
        group=Group.objects.get(),
        target=Target(how=how),
        words=how.value,
        topics={"orders"},
        actor=actor(),
        admin=world.broker.group_admin(),
        now=world.time.now(),
    )


def applied(world: World, made: Reset) -> Reset:
    return resets.apply(
        reset_id=made.pk,
        seen_hash=made.hash,
        reason="x",
        actor=actor(),
        admin=world.broker.group_admin(),
        now=world.time.now(),
    )


@pytest.fixture
def unanswered(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A stopped group whose reset was sent, and the connection broke."""
    world.group()
    world.commit(60)
    for partition in (0, 1):
        world.end(100, partition=partition)
    world.commit(60, partition=1)
    world.polls(2)
    broken = ports.Problem(code="unavailable", message="the connection broke")
    with monkeypatch.context() as patched:
        admin = type(world.broker.group_admin())
        patched.setattr(admin, "commit", lambda self, group, offsets, *, note="": dict.fromkeys(offsets, broken))
        assert applied(world, planned(world)).state == "unknown"
    return world


def settled(world: World) -> Reset:
    later = world.time.now() + timedelta(minutes=2)
    resets.settle(cluster="main", admin=world.broker.group_admin(), now=later)
    return Reset.objects.exclude(state="planned").get()


def test_a_broken_connection_is_no_refusal_and_no_other_reset_goes_first(unanswered: World) -> None:
    with pytest.raises(resets.Busy):
        applied(unanswered, planned(unanswered, How.LATEST))
    assert settled(unanswered).state == "refused"


def test_an_order_that_was_followed_without_an_answer_is_told_as_done(unanswered: World) -> None:
    for partition in (0, 1):
        unanswered.commit(0, partition=partition)
    assert settled(unanswered).state == "applied"


def test_commits_that_moved_on_meanwhile_leave_it_not_known(unanswered: World) -> None:
    for partition in (0, 1):
        unanswered.commit(77, partition=partition)
    made = settled(unanswered)
    assert made.state == "unknown"
    assert all("moved on" in why for why in made.outcome.values())
    before = Event.objects.count()
    assert resets.settle(cluster="main", admin=unanswered.broker.group_admin(), now=unanswered.time.now()) == 0
    assert Event.objects.count() == before
    applied(unanswered, planned(unanswered, How.LATEST))


def test_a_reset_back_is_no_rewind_also_for_the_poller_that_comes_next(world: World) -> None:
    world.group()
    world.commit(60)
    world.commit(60, partition=1)
    for partition in (0, 1):
        world.end(100, partition=partition)
    world.polls(WINDOW)
    world.poller.close()
    applied(world, planned(world))
    world.poller = world.another()
    world.polls(2)
    assert world.row().word != Word.REWIND
    assert not Event.objects.filter(text__contains="REWIND").exists()


def test_a_cluster_that_is_configured_no_more_is_shown_no_more_until_it_is_again(world: World) -> None:
    world.group()
    world.commit(10)
    world.polls()
    recording.retire(configured=["other"], now=world.time.now())
    assert Cluster.objects.get().retired_at is not None
    assert world.row().gone_at is not None
    recording.ensure_cluster(cluster="main")
    world.polls(15)
    assert Cluster.objects.get().retired_at is None
    assert world.row().gone_at is None


def test_a_topic_shows_all_its_partitions_and_which_have_no_leader(world: World) -> None:
    world.group()
    world.commit(10)
    world.end(10)
    world.play.leaders[TopicPartition("orders", 1)] = -1
    world.polls()
    found = Topic.objects.get().rows
    assert [(row[0], row[1]) for row in found] == [(0, 1), (1, -1)]
    assert "no leader" in found[1][5]
