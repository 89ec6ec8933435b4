"""The tasks that feed and settle: one of each at a time, nothing stuck without them, no wait for Redis."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from kombu.exceptions import OperationalError

from dlq import tasks
from dlq.models import Replay
from outbox.domain import message
from outbox.models import Event, Inbox
from reliability.console.registry import REGISTRY
from reliability.kernel import clock
from reliability.locks import operations as locks
from tests.support.replays import GROUP, World, counted

Sent = list[tuple[str, float]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What the tasks would send to Celery: name and countdown."""
    found: Sent = []
    for task in (tasks.feed, tasks.settle):
        monkeypatch.setattr(
            task, "apply_async", lambda name=task.name, **options: found.append((name, options["countdown"]))
        )
    return found


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "STAY_S", 0.3)
    monkeypatch.setattr(tasks, "FEED_EVERY_S", 0.01)


def test_feeding_takes_receipts_and_feeds_until_nothing_runs(world: World, sent: Sent, quick: None) -> None:
    world.now = clock.SYSTEM.now()
    run = world.approve(*world.letters(1))
    tasks.feed()
    assert counted(run) == {"queued": 1}
    assert sent == [("dlq.feed", tasks.AGAIN_IN_S)]
    world.relay()
    tasks.feed()
    assert counted(run) == {"sent": 1}


def test_with_nothing_to_do_it_ends_at_once_and_sends_nothing(world: World, sent: Sent) -> None:
    begun = time.monotonic()
    tasks.feed()
    tasks.settle()
    assert time.monotonic() - begun < tasks.STAY_S / 2, "it stayed, as it does while a run goes on"
    assert sent == []


def test_a_second_feeder_leaves_at_once(world: World, sent: Sent) -> None:
    world.approve(*world.letters(1))
    with locks.lease(name="dlq.feed", ttl_s=30):
        tasks.feed()
    assert not Event.objects.exists()


def test_only_one_message_for_later_is_on_its_way(world: World, sent: Sent, quick: None) -> None:
    world.approve(*world.letters(1))
    for _ in range(3):
        tasks.feed()
    assert len(sent) == 1


def test_settling_confirms_and_ends_the_run(world: World, sent: Sent) -> None:
    run = world.approve(*world.letters(1))
    world.send_all(run)
    item = run.items.get()
    Inbox.objects.create(
        digest=message.digest(GROUP, item.message_id), state="done", attempt=item.attempt, at=world.now
    )
    tasks.settle()
    run.refresh_from_db()
    assert (counted(run), run.state) == ({"confirmed": 1}, "finished")
    assert sent == []


def test_one_run_that_cannot_be_fed_does_not_hold_up_the_others(
    world: World, sent: Sent, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = world.approve(*world.letters(1)), world.approve(*world.letters(1, start=50))
    feed = tasks.replays.feed

    def fails(*, replay_id: int, **given: object) -> int:
        if replay_id == bad.pk:
            raise ValueError("broken")
        return feed(replay_id=replay_id, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(tasks.replays, "feed", fails)
    tasks.feed()
    assert counted(good) == {"queued": 1}
    assert counted(bad) == {"planned": 1}


def test_sweeping_forgets_plans_that_nobody_approved(world: World) -> None:
    run = world.approve(*world.letters(1))
    world.letters(1, start=9)
    from dlq.domain.scope import Scope
    from dlq.models import ReplayPlan
    from dlq.operations import plans

    plans.draw(scope=Scope(filter=""), terms=plans.terms(), actor=world.operator, now=world.now)
    ReplayPlan.objects.update(expires_at=clock.SYSTEM.now() - plans.PLANS_KEPT * 2)
    tasks.sweep()
    assert list(ReplayPlan.objects.values_list("pk", flat=True)) == [run.plan_id]


def test_acts_and_receipts_wake_the_tasks() -> None:
    assert tasks.wake in REGISTRY.listeners["dlq.replay"]
    assert tasks.wake in REGISTRY.listeners["outbox.receipt"]


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_waking_sends_both_and_never_waits(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    connected, send = threading.Event(), tasks.feed.apply_async
    monkeypatch.setattr(tasks.feed, "apply_async", lambda **options: connected.wait(10) and send(**options))
    tasks.wake(["1"], "ana")
    assert sent == [], "it waited for Redis"
    connected.set()
    eventually(lambda: {name for name, _ in sent} == {"dlq.feed", "dlq.settle"})


def test_a_dead_redis_costs_a_warning_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options: object) -> None:
        raise OperationalError("no Redis")

    monkeypatch.setattr(tasks.feed, "apply_async", refuse)
    assert tasks._send(tasks.feed, expires_s=1) is False


@pytest.mark.django_db(transaction=True)
def test_approving_wakes_after_the_commit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, ...]] = []
    monkeypatch.setitem(REGISTRY.listeners, "dlq.replay", [lambda ids, by: told.append((*ids, by))])
    run = world.approve(*world.letters(1))
    assert told == [(str(run.pk), "ana")]
    assert Replay.objects.get().state == "running"
