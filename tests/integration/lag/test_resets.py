"""Resets over a cluster in memory: what is planned, refused, applied once, told after a crash, and undone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reliability import access, audit
from reliability.audit.models import Entry
from reliability.kafka import ports
from reliability.kernel import failpoint
from reliability.kernel.record import TopicPartition
from reliability.lag.domain.reset import How, Target
from reliability.lag.models import Event, Group, Reset
from reliability.lag.operations import reset_looks as looks
from reliability.lag.operations import resets
from tests.integration.lag.world import PLACE, World
from tests.support.actors import actor

pytestmark = pytest.mark.django_db(transaction=True)

OPERATOR = actor()
EARLIEST = Target(how=How.EARLIEST)


@pytest.fixture
def stopped(world: World) -> World:
    """A group without members, 40 and 10 records behind the end of a log that begins at 5."""
    world.group()
    world.commit(60)
    world.commit(90, partition=1)
    for partition in (0, 1):
        world.end(100, partition=partition)
        world.play.starts[TopicPartition("orders", partition)] = 5
    world.polls()
    return world


def planned(world: World, target: Target = EARLIEST, *, by: access.Actor = OPERATOR) -> Reset:
    return resets.plan(
        group=Group.objects.get(),
        target=target,
        words=target.how.value,
        topics={"orders"},
        actor=by,
        admin=world.broker.group_admin(),
        now=world.time.now(),
    )


def applied(world: World, made: Reset, *, by: access.Actor = OPERATOR, reason: str = "a bug is fixed") -> Reset:
    return resets.apply(
        reset_id=made.pk,
        seen_hash=made.hash,
        reason=reason,
        actor=by,
        admin=world.broker.group_admin(),
        now=world.time.now(),
    )


def commits(world: World) -> list[int | None]:
    found = world.broker.group("billing").committed
    return [found.get(TopicPartition("orders", partition)) for partition in (0, 1)]


def test_a_plan_changes_nothing_and_says_what_would_be_read_again(stopped: World) -> None:
    made = planned(stopped)
    assert (made.replayed, made.skipped) == (55 + 85, 0)
    assert commits(stopped) == [60, 90]
    assert not Entry.objects.exists()


def test_it_is_applied_as_previewed_and_audited(stopped: World) -> None:
    made = applied(stopped, planned(stopped))
    assert commits(stopped) == [5, 5]
    assert (made.state, made.applied_by, made.outcome) == ("applied", OPERATOR.name, {})
    entry = Entry.objects.get()
    assert (entry.act, entry.outcome, entry.reason) == ("lag.reset", "done", "a bug is fixed")


def test_it_is_applied_once(stopped: World) -> None:
    made = planned(stopped)
    applied(stopped, made)
    stopped.commit(70)
    with pytest.raises(resets.PlanUsed):
        applied(stopped, made)
    assert commits(stopped) == [70, 5]


def test_undo_sets_what_was_there_and_deletes_what_was_not(stopped: World) -> None:
    del stopped.broker.group("billing").committed[TopicPartition("orders", 1)]
    target = Target(how=How.FILE, offsets={PLACE: 7, TopicPartition("orders", 1): 8})
    made = applied(stopped, planned(stopped, target))
    assert commits(stopped) == [7, 8]
    stopped.polls()
    back = resets.plan_undo(reset=made, actor=OPERATOR, admin=stopped.broker.group_admin(), now=stopped.time.now())
    applied(stopped, back, reason="it was the wrong group")
    assert commits(stopped) == [60, None]
    with pytest.raises(resets.PlanUsed):
        resets.plan_undo(reset=made, actor=OPERATOR, admin=stopped.broker.group_admin(), now=stopped.time.now())


def test_a_group_with_members_is_refused_with_what_to_do(stopped: World) -> None:
    stopped.group("billing", stopped.member("one", 0, 1))
    with pytest.raises(looks.Forbidden, match="stop its consumers"):
        planned(stopped)


def test_a_member_that_joins_between_preview_and_apply_stops_it(stopped: World) -> None:
    made = planned(stopped)
    stopped.group("billing", stopped.member("one", 0, 1))
    with pytest.raises(looks.Forbidden):
        applied(stopped, made)
    assert commits(stopped) == [60, 90]
    assert Entry.objects.get().outcome == "refused"
    made.refresh_from_db()
    assert made.state == "planned"


def test_a_member_that_joins_after_the_last_look_is_refused_by_kafka(
    stopped: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def joins(name: str) -> None:
        if name == "lag.reset_begun":
            stopped.group("billing", stopped.member("one", 0, 1))

    monkeypatch.setattr(failpoint, "reach", joins)
    made = applied(stopped, planned(stopped))
    assert made.state == "refused"
    assert "members" in made.outcome["orders 0"]
    assert commits(stopped) == [60, 90]


def test_a_commit_that_moved_since_the_preview_stops_it(stopped: World) -> None:
    made = planned(stopped)
    stopped.commit(61)
    stopped.polls(3)
    with pytest.raises(resets.PlanChanged):
        applied(stopped, made)
    assert commits(stopped) == [61, 90]


def test_somebody_who_commits_without_being_a_member_is_found(stopped: World) -> None:
    stopped.polls(2)
    stopped.commit(65)
    with pytest.raises(looks.Forbidden, match="Commits still move"):
        planned(stopped)


def test_two_operators_at_once_apply_one(stopped: World) -> None:
    first, second = planned(stopped), planned(stopped, Target(how=How.LATEST), by=actor(name="ben"))
    applied(stopped, first)
    with pytest.raises(resets.PlanChanged):
        applied(stopped, second, by=actor(name="ben"))
    assert commits(stopped) == [5, 5]


def test_a_process_that_dies_while_it_applies_is_told_afterwards(
    stopped: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for moment, expected in (("lag.reset_begun", "refused"), ("lag.reset_told", "applied")):

        def killed(name: str, moment: str = moment) -> None:
            if name == moment:
                raise SystemExit

        made = planned(stopped)
        with monkeypatch.context() as patched:
            patched.setattr(failpoint, "reach", killed)
            with pytest.raises(SystemExit):
                applied(stopped, made)
        with pytest.raises((resets.Busy, resets.PlanChanged)):
            applied(stopped, planned(stopped, Target(how=How.LATEST)))
        later = stopped.time.now() + timedelta(minutes=2)
        assert resets.settle(cluster="main", admin=stopped.broker.group_admin(), now=later) == 1
        made.refresh_from_db()
        assert made.state == expected


def test_a_cluster_that_does_not_answer_leaves_it_not_known_until_it_does(
    stopped: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = planned(stopped)
    monkeypatch.setattr(failpoint, "reach", lambda name: stopped.broker.go_away() if "begun" in name else None)
    assert applied(stopped, made).state == "unknown"
    stopped.broker.come_back()
    admin, now = stopped.broker.group_admin(), stopped.time.now()
    assert resets.settle(cluster="main", admin=admin, now=now + timedelta(seconds=14)) == 0
    assert resets.settle(cluster="main", admin=admin, now=now + timedelta(seconds=16)) == 1
    made.refresh_from_db()
    assert made.state == "refused"


def test_a_partition_without_a_commit_is_reset_with_its_topic_and_undone(world: World) -> None:
    world.group()
    world.commit(60)
    for partition in (0, 1):
        world.end(100, partition=partition)
    world.polls()
    made = planned(world)
    assert [(row.partition, row.before, row.after) for row in resets.rows_of(made)] == [(0, 60, 0), (1, None, 0)]
    made = applied(world, made)
    assert commits(world) == [0, 0]
    admin = world.broker.group_admin()
    back = resets.plan_undo(reset=made, actor=OPERATOR, admin=admin, now=world.time.now())
    back = applied(world, back)
    assert commits(world) == [60, None]
    again = resets.plan_undo(reset=back, actor=OPERATOR, admin=admin, now=world.time.now())
    applied(world, again)
    assert commits(world) == [0, 0], "taking it back again sets what the undo deleted"


def test_without_the_right_or_a_reason_nothing_happens(stopped: World) -> None:
    with pytest.raises(access.Denied):
        planned(stopped, by=actor(access.Role.VIEWER))
    made = planned(stopped)
    with pytest.raises(audit.ReasonRequired):
        applied(stopped, made, reason="  ")
    with pytest.raises(access.Denied):
        applied(stopped, made, by=actor(access.Role.VIEWER))
    assert commits(stopped) == [60, 90]


def test_an_old_preview_and_one_that_was_changed_are_refused(stopped: World) -> None:
    made = planned(stopped)
    stopped.time.advance(16 * 60)
    with pytest.raises(resets.PlanOld):
        applied(stopped, made)
    again = planned(stopped)
    with pytest.raises(resets.PlanChanged):
        resets.apply(
            reset_id=again.pk,
            seen_hash="0" * 64,
            reason="x",
            actor=OPERATOR,
            admin=stopped.broker.group_admin(),
            now=stopped.time.now(),
        )


def test_nothing_to_do_and_a_group_that_is_gone_are_said(stopped: World) -> None:
    with pytest.raises(resets.NothingToReset):
        planned(stopped, Target(how=How.FILE, offsets={PLACE: 60}))
    del stopped.play.groups["billing"]
    stopped.broker.group_states.pop("billing")
    with pytest.raises(looks.Forbidden, match="no such group"):
        planned(stopped)


def test_a_partition_that_cannot_be_read_is_left_as_it_is(stopped: World) -> None:
    stopped.play.partition_problems[PLACE] = ports.Problem(code="forbidden", message="not allowed")
    made = planned(stopped)
    applied(stopped, made)
    assert commits(stopped) == [60, 5]
    assert "left as it is" in made.rows[0][-1]


def test_a_reset_is_no_rewind_of_the_group(stopped: World) -> None:
    stopped.polls(12)
    assert stopped.row().word == "STOP"
    applied(stopped, planned(stopped))
    stopped.polls(12)
    assert stopped.row().word == "STOP"
    assert not Event.objects.filter(text__contains="REWIND").exists()
