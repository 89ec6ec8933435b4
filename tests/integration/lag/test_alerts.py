"""Alerts of a poller over a cluster in memory: raised once, cleared late, silent while muted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError

from reliability import access, audit
from reliability.audit.models import Entry
from reliability.lag.domain.values import WINDOW
from reliability.lag.models import Alert, Event, Group
from reliability.lag.operations import muting, recording
from tests.integration.lag.world import World
from tests.support.actors import actor

pytestmark = pytest.mark.django_db(transaction=True)


def stopped(world: World) -> None:
    world.group()
    world.commit(10)
    world.end(20)
    world.polls(WINDOW)


def told(world: World) -> list[str]:
    return [event.text.split(":")[0] for event in Event.objects.filter(kind="alert").order_by("id")]


def phases() -> dict[str, str]:
    return dict(Alert.objects.values_list("kind", "phase"))


def test_an_error_is_told_at_once_and_once(world: World) -> None:
    stopped(world)
    assert told(world) == ["Alert"]
    assert phases()["verdict"] == "raised"
    assert "STOP" in Alert.objects.get(kind="verdict").text
    world.polls(5)
    assert told(world) == ["Alert"]


def test_it_is_over_only_after_it_was_over_for_a_while(world: World) -> None:
    stopped(world)
    world.commit(20)
    world.polls(3)
    assert phases()["verdict"] == "clearing"
    assert told(world) == ["Alert"]
    world.polls(24)
    assert phases()["verdict"] == "quiet"
    assert told(world) == ["Alert", "Alert over"]


def test_a_new_poller_does_not_tell_again(world: World) -> None:
    stopped(world)
    world.poller.close()
    world.poller = world.another()
    world.polls(3)
    assert told(world) == ["Alert"]


def test_being_far_behind_is_told_after_it_lasted(world: World, settings: object) -> None:
    world.group("billing", world.member("one", 0, 1))
    world.commit(0)
    world.end(0)
    world.polls(2)
    for looks in range(90):
        world.end(100 + looks)
        world.commit(min(looks // 10, 50))
        world.polls()
    assert phases()["time_lag"] == "raised"


def test_nobody_is_told_of_a_muted_group_and_then_of_what_still_stands(world: World) -> None:
    world.group()
    world.commit(10)
    world.end(20)
    world.polls()
    muting.mute(
        group=Group.objects.get(),
        lasts=timedelta(minutes=2),
        reason="a planned stop",
        actor=actor(),
        now=world.time.now(),
    )
    world.polls(WINDOW + 2)
    assert phases()["verdict"] == "raised"
    assert told(world) == []
    world.polls(20)
    assert told(world) == ["Alert"]


def test_a_mute_is_audited_ends_early_and_has_bounds(world: World) -> None:
    world.group()
    world.polls()
    group = Group.objects.get()
    for wrong in (timedelta(0), timedelta(days=8), timedelta(minutes=-5)):
        with pytest.raises(muting.BadMute):
            muting.mute(group=group, lasts=wrong, reason="x", actor=actor(), now=world.time.now())
    with pytest.raises(audit.ReasonRequired):
        muting.mute(group=group, lasts=timedelta(hours=1), reason="", actor=actor(), now=world.time.now())
    with pytest.raises(access.Denied):
        muting.mute(
            group=group, lasts=timedelta(hours=1), reason="x", actor=actor(access.Role.VIEWER), now=world.time.now()
        )
    muting.mute(group=group, lasts=timedelta(hours=1), reason="x", actor=actor(), now=world.time.now())
    muting.unmute(group=group, actor=actor())
    assert [(entry.act, entry.outcome) for entry in Entry.objects.order_by("seq")][-2:] == [
        ("lag.mute", "done"),
        ("lag.unmute", "done"),
    ]


def test_an_alert_that_could_not_be_written_is_told_at_the_next_look(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.group()
    world.commit(10)
    world.end(20)
    world.polls(WINDOW - 1)
    with monkeypatch.context() as patched:
        patched.setattr(recording, "record", unwritable)
        with pytest.raises(OperationalError):
            world.poller.step()
    assert told(world) == []
    world.polls(WINDOW)
    assert told(world) == ["Alert"]


def unwritable(**_: object) -> None:
    raise OperationalError
