"""Mutes and acknowledgements: who is told less, for how long, and what is told all the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reliability.alerts.domain.muting import Covers
from reliability.alerts.models import Delivery
from reliability.alerts.operations import acting
from reliability.alerts.queries import incidents as queries
from reliability.alerts.queries import mutes
from reliability.audit.models import Entry
from reliability.console.domain.conditions import Condition
from reliability.console.registry import REGISTRY
from tests.integration.alerts.world import ADMIN, OPERATOR, World, events, incidents

MINUTE = timedelta(minutes=1)


def test_while_muted_nobody_is_told_and_at_its_end_what_still_stands_is(world: World) -> None:
    world.rule(raise_after_s=0)
    mute = acting.mute(covers=Covers.ROOM, of="lag", lasts=10 * MINUTE, reason="drill", actor=OPERATOR, now=world.now)
    world.needs("lag:group:1")
    world.needs("lag:group:2")
    world.turns(3)
    world.mended("lag:group:2")
    world.turns(3)
    assert (len(incidents()), events()) == (1, [])
    assert incidents()[0].is_muted
    world.turn(600)
    assert mute.until < world.now
    assert events() == [("hook", "trigger"), ("pager", "trigger")]
    assert not incidents()[0].is_muted


def test_a_mute_of_a_page_covers_rules_on_its_signals(world: World) -> None:
    """Who mutes lag for a deployment is not woken by a rule on lag.seconds."""
    slow = Condition(signal="lag.seconds", subject="billing", enter=60.0, exit=30.0)
    world.rule(condition=slow)
    world.values["billing"] = 90.0
    for page in ("letters", "lag"):
        acting.mute(covers=Covers.ROOM, of=page, lasts=10 * MINUTE, reason="drill", actor=OPERATOR, now=world.now)
        world.turn()
        if page == "letters":
            assert not incidents()[0].is_muted, "of another page"
            Delivery.objects.all().delete()
    (one,) = incidents()
    assert one.is_muted
    acting.unmute(number=mutes.rows(now=world.now)[-1].pk, actor=OPERATOR, now=world.now)
    world.turn()
    assert not incidents()[0].is_muted


def test_what_came_and_went_during_a_mute_is_never_told(world: World) -> None:
    world.rule(raise_after_s=0, clear_after_s=0)
    acting.mute(covers=Covers.EVERYTHING, of="", lasts=10 * MINUTE, reason="drill", actor=OPERATOR, now=world.now)
    world.needs("lag:group:1")
    world.turn()
    world.mended("lag:group:1")
    world.turns(2)
    world.turn(1_200)
    assert events() == []
    assert incidents()[0].is_settled


def test_who_heard_of_it_hears_its_end_also_while_it_is_muted(world: World) -> None:
    world.rule(raise_after_s=0, clear_after_s=0)
    world.needs("lag:group:1")
    world.turn()
    number = str(incidents()[0].pk)
    acting.mute(covers=Covers.INCIDENT, of=number, lasts=60 * MINUTE, reason="known", actor=OPERATOR, now=world.now)
    world.needs("lag:group:1", status="crit")
    world.turn()
    world.mended("lag:group:1")
    world.turn()
    assert [event for _, event in events()] == ["trigger", "trigger", "resolve", "resolve"]


def test_a_mute_that_is_taken_back_tells_at_once(world: World) -> None:
    world.rule(raise_after_s=0)
    mute = acting.mute(covers=Covers.RULE, of="all", lasts=60 * MINUTE, reason="x", actor=OPERATOR, now=world.now)
    world.needs("lag:group:1")
    world.turn()
    acting.unmute(number=mute.pk, actor=OPERATOR, now=world.now)
    assert len(events()) == 2
    acting.unmute(number=mute.pk, actor=OPERATOR, now=world.now)
    assert len(events()) == 2
    assert list(Entry.objects.order_by("seq").values_list("act", flat=True))[-3:] == [
        "alerts.mute",
        "alerts.unmute",
        "alerts.unmute",
    ]


@pytest.mark.parametrize("lasts", [timedelta(0), timedelta(seconds=59), timedelta(days=8), timedelta(days=-1)])
def test_a_mute_has_an_end_that_one_remembers(world: World, lasts: timedelta) -> None:
    with pytest.raises(acting.BadMute):
        acting.mute(covers=Covers.EVERYTHING, of="", lasts=lasts, reason="x", actor=OPERATOR, now=world.now)


@pytest.mark.parametrize(
    ("covers", "of"),
    [
        (Covers.EVERYTHING, "x"),
        (Covers.RULE, "none"),
        (Covers.RULE, "\x00"),
        (Covers.ROOM, "kitchen"),
        (Covers.INCIDENT, "999"),
        (Covers.INCIDENT, "9" * 30),
        (Covers.INCIDENT, "x"),
        (Covers.THINGS, " "),
        (Covers.THINGS, "x" * 301),
    ],
)
def test_a_mute_of_what_there_is_not_is_refused(world: World, covers: Covers, of: str) -> None:
    with pytest.raises(Exception) as refused:  # noqa: PT011 - each names what is missing in an error of its own
        acting.mute(covers=covers, of=of, lasts=MINUTE, reason="x", actor=OPERATOR, now=world.now)
    assert type(refused.value).__name__ in ("NothingLikeIt", "NoSuchRule", "NoSuchIncident")


def test_somebody_acknowledges_and_is_not_reminded(world: World) -> None:
    world.rule(raise_after_s=0, remind_after_s=600)
    world.needs("lag:group:1")
    world.turn()
    world.turn(600)
    assert [event for _, event in events()] == ["trigger"] * 2 + ["reminder"] * 2
    look = queries.one(incidents()[0].pk, actor=OPERATOR)
    acting.acknowledge(look=look, reason="on it", actor=OPERATOR, now=world.now)
    assert [event for _, event in events()][4:] == ["acknowledge"] * 2
    assert Delivery.objects.last().body["by"] == "ana"  # type: ignore[union-attr]
    world.turns(10, every_s=600)
    assert len(events()) == 6
    with pytest.raises(acting.IsAcknowledged, match="ana"):
        acting.acknowledge(look=look, reason="", actor=ADMIN, now=world.now)


def test_an_incident_that_is_over_cannot_be_acknowledged(world: World) -> None:
    world.rule(raise_after_s=0, clear_after_s=0)
    world.needs("lag:group:1")
    world.turn()
    look = queries.one(incidents()[0].pk, actor=OPERATOR)
    world.mended("lag:group:1")
    world.turn()
    with pytest.raises(acting.IsOver, match="Nothing of it is left"):
        acting.acknowledge(look=look, reason="", actor=OPERATOR, now=world.now)


def test_every_signal_belongs_to_a_page_that_may_be_muted() -> None:
    assert {name for name, signal in REGISTRY.signals.items() if not queries.is_room(signal.room)} == set()
