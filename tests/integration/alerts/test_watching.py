"""Who watches the watch: channels are told when nobody looks, once, and when it goes on; no connection waits along."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from reliability.alerts import senders, tasks
from reliability.alerts.domain.answer import Answer
from reliability.alerts.domain.muting import Covers
from reliability.alerts.models import Delivery, Turn
from reliability.alerts.operations import acting, watching
from reliability.kernel.clock import SYSTEM
from tests.integration.alerts.world import OPERATOR, World, events


def test_when_nobody_looks_every_channel_is_told_once_and_once_when_it_goes_on(world: World) -> None:
    world.turn()
    assert watching.watch(now=world.now + timedelta(seconds=179)) is False
    late = world.now + timedelta(seconds=181)
    assert [watching.watch(now=late), watching.watch(now=late + timedelta(hours=1))] == [True, False]
    assert events() == [("hook", "trigger"), ("pager", "trigger")]
    world.turn(4_000)
    assert [watching.watch(now=world.now), watching.watch(now=world.now)] == [True, False]
    assert events()[2:] == [("hook", "resolve"), ("pager", "resolve")]
    assert len({row.body["dedup_key"] for row in Delivery.objects.all()}) == 1


def test_before_the_first_turn_and_while_everything_is_muted_nobody_is_told(world: World) -> None:
    assert watching.watch(now=world.now + timedelta(days=1)) is False
    world.turn()
    hour = timedelta(hours=1)
    acting.mute(covers=Covers.EVERYTHING, of="", lasts=2 * hour, reason="night", actor=OPERATOR, now=world.now)
    assert watching.watch(now=world.now + hour) is False
    assert watching.watch(now=world.now + 3 * hour) is True


def test_a_worker_that_has_just_begun_leaves_the_others_time_to_look(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn()
    Turn.objects.update(at=world.now - timedelta(days=1))
    began = SYSTEM.monotonic()
    monkeypatch.setattr(tasks, "_awake_since", lambda: began)
    tasks.deliver()
    assert events() == []
    monkeypatch.setattr(tasks, "_awake_since", lambda: began - tasks.AWAKE_S - 1)
    monkeypatch.setattr(senders, "send", lambda *args, **more: Answer(is_taken=True, text="taken"))
    tasks.deliver()
    assert events() == [("hook", "trigger"), ("pager", "trigger")]


def test_no_connection_to_the_database_waits_for_a_receiver(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    held = []

    def send(*args: object, **more: object) -> Answer:
        held.append(connection.connection)
        return Answer(is_taken=True, text="taken")

    monkeypatch.setattr(senders, "send", send)
    acting.test(channel="hook", actor=OPERATOR, now=world.now)
    Delivery.objects.update(due_at=world.now - timedelta(minutes=1))
    tasks._one("hook")
    assert held == [None]
