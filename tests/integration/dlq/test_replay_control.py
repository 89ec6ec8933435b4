"""Approving, pausing, resuming, cancelling; who may; what two at once and a crash in the middle do."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connections

from dlq.domain.run import CannotNow
from dlq.domain.scope import Scope
from dlq.models import Letter, LetterGroup, Replay, ReplayItem, ReplayPlan
from dlq.operations import outcomes, plans, replays
from dlq.operations.plans import BadPlan
from dlq.queries import replays as queries
from outbox.models import Event
from reliability import access, audit
from reliability.access import Role
from reliability.audit.models import Entry
from reliability.kernel import failpoint
from tests.support.actors import actor
from tests.support.letters import record, store
from tests.support.replays import World, counted, states

CAROL = actor(name="carol")


def draw(world: World, *letters: Letter, **terms: object) -> ReplayPlan:
    scope = Scope(ids=tuple(letter.pk for letter in letters))
    return plans.draw(scope=scope, terms=plans.terms(**terms), actor=world.operator, now=world.now)


def approve(
    world: World, plan: ReplayPlan, *, by: access.Actor | None = None, reason: str = "fixed"
) -> replays.Approval:
    return replays.approve(
        plan_id=plan.pk, plan_hash=plan.hash, reason=reason, actor=by or world.operator, now=world.now
    )


def test_it_is_on_record_who_approved_what_and_why(world: World) -> None:
    run = approve(world, draw(world, *world.letters(3), rate=5), reason="deploy 12 is out").replay
    entry = Entry.objects.latest("seq")
    assert (entry.act, entry.actor_name, entry.target) == ("letters.replay", "ana", f"replay:{run.pk}")
    assert (entry.reason, entry.topics) == ("deploy 12 is out", ["orders"])
    assert '"claimed":3' in entry.facts_json


def test_a_second_click_gives_the_same_run(world: World) -> None:
    plan = draw(world, *world.letters(2))
    first, second = approve(world, plan), approve(world, plan, by=CAROL)
    assert (first.created, second.created) == (True, False)
    assert first.replay == second.replay
    assert ReplayItem.objects.count() == 2
    with pytest.raises(replays.PlanChanged):
        replays.approve(plan_id=plan.pk, plan_hash="0" * 64, reason="x", actor=world.operator, now=world.now)


def test_what_was_not_approved_does_not_run(world: World) -> None:
    plan = draw(world, *world.letters(1))
    with pytest.raises(replays.PlanChanged):
        replays.approve(plan_id=plan.pk, plan_hash="0" * 64, reason="x", actor=world.operator, now=world.now)
    with pytest.raises(audit.ReasonRequired):
        approve(world, plan, reason=" ")
    with pytest.raises(queries.NoSuchPlan):
        replays.approve(plan_id=plan.pk + 1, plan_hash="", reason="x", actor=world.operator, now=world.now)
    world.advance(900)
    with pytest.raises(replays.PlanExpired):
        approve(world, plan)
    assert not Replay.objects.exists()
    assert set(Letter.objects.values_list("state", flat=True)) == {"open"}


@pytest.mark.parametrize(
    ("who", "words"),
    [(actor(Role.VIEWER, name="vic"), "takes the role operator"), (access.ANONYMOUS, "Sign in first")],
)
def test_nobody_replays_without_the_right(world: World, who: access.Actor, words: str) -> None:
    letters = world.letters(2)
    plan = draw(world, *letters)
    with pytest.raises(access.Denied, match=words):
        approve(world, plan, by=who)
    run = approve(world, plan).replay
    for act in (replays.pause, replays.resume, replays.cancel):
        with pytest.raises(access.Denied):
            act(replay_id=run.pk, actor=who, now=world.now)
    with pytest.raises(access.Denied):
        replays.change_rate(replay_id=run.pk, rate=1, actor=who, now=world.now)


def test_a_viewer_gets_no_plan_and_the_try_is_on_record(world: World) -> None:
    world.operator = actor(Role.VIEWER, name="vic")
    with pytest.raises(access.Denied):
        draw(world, *world.letters(1))
    entry = Entry.objects.latest("seq")
    assert (entry.act, entry.actor_name, entry.outcome) == ("letters.replay", "vic", "refused")


def test_letters_outside_the_scopes_are_counted_and_left_out(world: World) -> None:
    mine, others = world.letters(1), world.letters(2, start=10, origin_topic="stock")
    world.operator = actor(topics=("orders",))
    plan = draw(world, *mine, *others)
    assert plan.letter_ids == [mine[0].pk]
    assert plan.counts["left_out"] == {"not there, or not in your topics": 2}
    with pytest.raises(access.Denied, match="target topic"):
        draw(world, *mine, target={"kind": "topic", "topic": "stock"})


def test_a_plan_into_a_dead_letter_topic_says_so(world: World) -> None:
    warnings = draw(world, *world.letters(2), target={"kind": "topic", "topic": "orders.billing.dlq"}).warnings
    assert [each["count"] for each in warnings if each["code"] == "dead-letter-destination"] == [2]


@pytest.mark.parametrize("rate", [0, -1, 1_001, float("nan"), float("inf")])
def test_it_refuses_a_rate_that_is_none(rate: float) -> None:
    with pytest.raises(BadPlan):
        plans.terms(rate=rate)


def test_pause_says_what_is_on_its_way_and_nothing_more_is_sent(world: World) -> None:
    run = world.approve(*world.letters(50))
    world.send_some(run, 6)
    world.advance(10)
    world.feed(run)
    paused = replays.pause(replay_id=run.pk, actor=world.operator, now=world.now)
    assert (paused.replay.state, paused.on_the_way) == ("paused", 20)
    world.advance(60)
    assert world.feed(run) == 0
    with pytest.raises(CannotNow):
        replays.pause(replay_id=run.pk, actor=world.operator, now=world.now)
    replays.resume(replay_id=run.pk, actor=world.operator, now=world.now)
    world.send_all(run)
    assert counted(run) == {"sent": 50}


def test_cancel_takes_back_what_is_not_on_its_way_and_the_rest_still_gets_its_outcome(world: World) -> None:
    run = world.approve(*world.letters(50))
    world.send_some(run, 6)
    world.advance(10)
    world.feed(run)
    cancelled = replays.cancel(replay_id=run.pk, actor=world.operator, now=world.now)
    assert (cancelled.replay.state, cancelled.on_the_way, cancelled.withdrawn) == ("stopping", 20, 24)
    assert LetterGroup.objects.get().open_count == 24
    world.relay()
    outcomes.take_receipts(now=world.now)
    run.refresh_from_db()
    assert (run.state, states(run)) == ("cancelled", {"cancelled": 24, "sent": 26})
    assert run.finished_at == world.now


def test_a_cancelled_letter_that_had_failed_too_often_is_quarantined_again(world: World) -> None:
    (letter,) = world.letters(1)
    Letter.objects.update(state="quarantined", replay_count=3)
    LetterGroup.objects.update(open_count=0, quarantined_count=1)
    world.operator = actor(Role.ADMIN)
    run = world.approve(letter, include=["quarantined"])
    replays.cancel(replay_id=run.pk, actor=world.operator, now=world.now)
    letter.refresh_from_db()
    assert letter.state == "quarantined"
    assert LetterGroup.objects.get().quarantined_count == 1


def test_an_operator_does_not_take_letters_out_of_quarantine(world: World) -> None:
    (letter,) = world.letters(1)
    Letter.objects.update(state="quarantined", replay_count=3)
    plan = draw(world, letter)
    assert (plan.total, plan.counts["left_out"]) == (0, {"quarantined": 1})
    with pytest.raises(access.Denied):
        approve(world, draw(world, letter, include=["quarantined"]))


def test_it_stops_by_itself_when_too_much_fails_again_and_can_be_resumed(world: World) -> None:
    run = world.approve(*world.letters(40))
    world.send_some(run, 6)
    for item in run.items.filter(state="sent"):
        store(record(900 + item.pk, origin_offset=item.sent_offset, origin_partition=item.sent_partition, attempts=4))
    outcomes.settle_sent(now=world.now)
    world.advance(10)
    assert world.feed(run) == 0
    run.refresh_from_db()
    why = "6 of 6 had failed again when it stopped, more than 20%"
    assert (run.state, run.stop_reason) == ("stopped", why)
    assert [stop["why"] for stop in run.stops] == [why]
    assert counted(run) == {"failed_again": 6, "planned": 34}
    replays.resume(replay_id=run.pk, actor=world.operator, now=world.now)
    world.advance(1)
    assert world.feed(run) == 1  # the canaries begin anew


def test_what_failed_again_can_be_retried_as_a_plan_of_its_own(world: World) -> None:
    run = world.approve(*world.letters(3))
    world.send_all(run)
    item = run.items.get(position=2)
    store(record(900, origin_offset=item.sent_offset, origin_partition=item.sent_partition, attempts=4))
    outcomes.settle_sent(now=world.now)
    item.refresh_from_db()
    plan = plans.draw(scope=Scope(failed_of=run.pk), terms=plans.terms(), actor=world.operator, now=world.now)
    assert plan.letter_ids == [item.new_letter_id]
    assert plan.counts["failed_before"] == 1


def test_another_rate_counts_at_once(world: World) -> None:
    run = world.approve(*world.letters(10), rate=1)
    replays.change_rate(replay_id=run.pk, rate=7, actor=world.operator, now=world.now)
    run.refresh_from_db()
    assert run.rate == 7


def test_letters_taken_meanwhile_are_skipped_and_an_empty_rest_is_refused(world: World) -> None:
    letters = world.letters(4)
    mine, theirs = draw(world, *letters[:3]), draw(world, *letters[1:])
    approve(world, mine)
    run = approve(world, theirs, by=CAROL).replay
    assert (run.total, run.skipped) == (1, 2)
    with pytest.raises(replays.NothingLeft):
        approve(world, draw_again(world, theirs), by=CAROL)


def draw_again(world: World, plan: ReplayPlan) -> ReplayPlan:
    plan.pk = None
    plan.save(force_insert=True)
    return plan


def test_a_crash_after_appending_leaves_nothing_appended_and_the_item_planned(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = world.approve(*world.letters(3))

    def crash(name: str) -> None:
        if name == "dlq.feed.after_append":
            raise SystemExit

    monkeypatch.setattr(failpoint, "reach", crash)
    world.advance(1)
    with pytest.raises(SystemExit):
        world.feed(run)
    assert not Event.objects.exists()
    monkeypatch.undo()
    assert counted(run) == states(run) == {"planned": 3}
    world.send_all(run)
    assert counted(run) == {"sent": 3}


def in_parallel(*calls: Callable[[], object]) -> list[object]:
    """Run calls at once, each on its own connection; what they raise is returned."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        return [future.result() for future in [threads.submit(run, call) for call in calls]]


@pytest.mark.django_db(transaction=True)
def test_two_operators_at_once_never_double_a_letter(world: World) -> None:
    letters = world.letters(200)
    mine, theirs = draw(world, *letters[:150]), draw(world, *letters[50:])
    results = in_parallel(lambda: approve(world, mine), lambda: approve(world, theirs, by=CAROL))
    runs = [result.replay for result in results if isinstance(result, replays.Approval)]
    assert len(runs) == 2, results
    assert sum(run.total for run in runs) == 200
    assert sum(run.skipped for run in runs) == 100
    assert ReplayItem.objects.values("letter").distinct().count() == ReplayItem.objects.count() == 200
    assert LetterGroup.objects.get().replaying_count == 200


@pytest.mark.django_db(transaction=True)
def test_two_feeders_at_once_append_each_item_once(world: World) -> None:
    run = world.approve(*world.letters(300))
    Replay.objects.update(ramp_step=4, credit=1_000)
    world.now += timedelta(seconds=1)
    results = in_parallel(*[lambda: world.feed(run)] * 4)
    assert sum(count for count in results if isinstance(count, int)) == 200, results
    assert Event.objects.values("event_id").distinct().count() == Event.objects.count() == 200
    assert counted(run) == states(run) == {"planned": 100, "queued": 200}


@pytest.mark.django_db(transaction=True)
def test_a_cancel_and_a_feeding_at_once_leave_every_item_either_sent_or_taken_back(world: World) -> None:
    run = world.approve(*world.letters(300))
    Replay.objects.update(ramp_step=4, credit=1_000)
    world.now += timedelta(seconds=1)
    in_parallel(lambda: world.feed(run), lambda: replays.cancel(replay_id=run.pk, actor=world.operator, now=world.now))
    found = states(run)
    assert found == counted(run)
    assert found.get("queued", 0) == Event.objects.count()
    assert found.get("queued", 0) + found["cancelled"] == 300
