"""What must not keep people from hearing: a slow channel, a clock that is set back, one hostile thing, two at once."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_network

import pytest
from django.db import connection, connections

from reliability.alerts import tasks
from reliability.alerts.domain.answer import Answer
from reliability.alerts.domain.channels import Channel
from reliability.alerts.domain.message import Message
from reliability.alerts.domain.muting import Covers
from reliability.alerts.models import Alert, Delivery, Turn
from reliability.alerts.models.deliveries import State
from reliability.alerts.operations import acting, delivering, grouping, rules
from reliability.alerts.operations.rules import USUAL
from reliability.alerts.queries import overview
from reliability.alerts.queries.incidents import Look
from reliability.alerts.senders import guard
from reliability.alerts.views import board
from reliability.console.domain.conditions import Condition
from reliability.kernel.clock import SYSTEM
from tests.integration.alerts.world import ADMIN, OPERATOR, World, events, incidents, standing
from tests.support import waiting

LOOPBACK = [ip_network("127.0.0.0/8")]
TAKEN = Answer(is_taken=True, text="taken", status=200)


def wait_until(holds: Callable[[], object]) -> None:
    waiting.wait_until(holds, within_s=30, what="nothing came of it", every_s=0.05)


def deliver_as_celery_does() -> None:
    """In a thread: what the task had of the database is given back at its end."""
    try:
        tasks.deliver()
    finally:
        connections.close_all()


def usual(world: World) -> None:
    """The rules of the beginning, as everybody has them."""
    for each in USUAL:
        rules.save(wanted=each, is_on=True, reason="test", actor=ADMIN, version=0, now=world.now)


def test_a_channel_that_is_slow_keeps_no_other_waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()

    def send(channel: Channel, told: Message, number: str, now: datetime) -> Answer:
        if channel.name == "hook":
            goes_on.wait(60)
        return TAKEN

    monkeypatch.setattr(delivering, "really", send)
    try:
        for name in ("hook", "pager"):
            acting.test(channel=name, actor=OPERATOR, now=SYSTEM.now())
        first = threading.Thread(target=deliver_as_celery_does)
        first.start()
        wait_until(lambda: Delivery.objects.filter(channel="pager", state=State.SENT).exists())
        late = acting.test(channel="pager", actor=OPERATOR, now=SYSTEM.now())

        def taken_at_the_next_tick() -> bool:
            tasks.deliver()
            return Delivery.objects.get(pk=late.pk).state == State.SENT

        wait_until(taken_at_the_next_tick)
        assert Delivery.objects.get(channel="hook").state == State.WAITING
        assert Delivery.objects.get(channel="hook").attempts == 1
    finally:
        goes_on.set()
    first.join()
    wait_until(lambda: Delivery.objects.get(channel="hook").state == State.SENT)


def test_a_clock_that_was_ahead_and_is_set_back_silences_nobody(world: World) -> None:
    world.rule(raise_after_s=0)
    world.turn()
    Turn.objects.update(at=world.now + timedelta(hours=1))
    world.needs("lag:group:1")
    assert world.turn() is True
    assert len(incidents()) == 1


def test_a_value_without_end_is_told_and_stops_no_turn(world: World) -> None:
    world.rule(condition=Condition(signal="lag.seconds", subject="payments", enter=60, exit=10, unit="s"))
    world.values["payments"] = float("inf")
    world.turns(3)
    assert incidents()[0].title == "lag.seconds of payments is inf s"
    world.values["payments"] = 1.0
    world.turns(3)
    assert incidents()[0].resolved_at is not None


def test_one_hostile_thing_keeps_nobody_from_hearing_of_the_others(world: World) -> None:
    world.rule(raise_after_s=0)
    hostile = "a\x00\ud800"
    world.needs(hostile, title="x" * 1_000_000 + "\ud800", topics=("t\x00\ud800",))
    item = world.items["lag"][hostile]
    world.items["lag"][hostile] = replace(item, url="/x\x00\ud800", since=datetime(2026, 3, 1))  # noqa: DTZ001
    world.needs("lag:group:1")
    world.turn()
    assert len(standing()) == 2
    assert len(events()) == 2


def test_what_changes_between_warning_and_critical_again_and_again_is_told(world: World) -> None:
    usual(world)
    for _ in range(30):
        world.needs("lag:group:1", status="warn")
        world.turns(4)
        world.needs("lag:group:1", status="crit")
        world.turns(4)
    assert events() == [("hook", "trigger"), ("pager", "trigger")]


def test_nobody_hears_that_it_is_over_while_it_is_worse(world: World) -> None:
    usual(world)
    world.needs("lag:group:1", status="warn")
    world.turns(130)
    world.needs("lag:group:1", status="crit")
    world.turns(60)
    assert [event for channel, event in events() if channel == "hook"] == ["trigger", "trigger"]
    assert [each.severity for each in incidents()] == ["warn", "crit"]
    world.mended("lag:group:1")
    world.turns(30)
    assert [event for channel, event in events() if channel == "hook"][2:] == ["resolve", "resolve"]


def test_a_turn_and_a_mute_at_once_do_not_wait_for_each_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.rule(name="b", raise_after_s=0, things="lag:*")
    world.needs("lag:group:1")
    world.turn()
    world.rule(name="a", raise_after_s=0, things="letters:*")
    world.needs("letters:group:1", room="letters")
    world.turn()
    assert [each.rule for each in incidents()] == ["b", "a"]
    failed: list[BaseException] = []
    muting = threading.Thread(target=_caught(failed, lambda: _mute(world)))
    really = grouping.grouped

    def grouped(rule, *, now):  # type: ignore[no-untyped-def]
        found = really(rule, now=now)
        if rule.name == "a":
            muting.start()
            wait_until(_somebody_waits)
        return found

    monkeypatch.setattr(grouping, "grouped", grouped)
    world.turn()
    muting.join()
    assert failed == []
    assert [each.is_muted for each in incidents()] == [True, True]


def _mute(world: World) -> None:
    acting.mute(
        covers=Covers.EVERYTHING,
        of="",
        lasts=timedelta(hours=1),
        reason="calm",
        actor=OPERATOR,
        now=world.now,
    )


def _caught(failed: list[BaseException], act: Callable[[], None]) -> Callable[[], None]:
    def acting_alone() -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - told to the test's own thread
            failed.append(error)
        finally:
            connections.close_all()

    return acting_alone


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def test_what_was_only_pending_when_its_rule_went_leaves_nothing(world: World) -> None:
    world.rule(raise_after_s=600)
    world.needs("lag:group:1")
    world.turn()
    rules.delete(name="all", reason="test", actor=ADMIN, version=1)
    world.turn()
    assert Alert.objects.count() == 0


def test_a_datagram_is_looked_at_and_nothing_begins_after_its_time() -> None:
    with guard.watched([], seconds=30) as watch:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, pytest.raises(guard.Forbidden):
            sender.sendto(b"hello", ("127.0.0.1", 9))
        assert "this machine itself" in watch.refused
    with socket.create_server(("127.0.0.1", 0)) as listening, guard.watched(LOOPBACK, seconds=30) as watch:
        watch.end()
        with pytest.raises(TimeoutError):
            socket.create_connection(listening.getsockname()[:2], timeout=5)


def test_when_no_channel_that_heard_is_left_the_others_hear_of_what_goes_on(world: World, settings) -> None:  # type: ignore[no-untyped-def]
    hook, pager = ({name: settings.ALERT_CHANNELS[name]} for name in ("hook", "pager"))
    world.rule(raise_after_s=0)
    settings.ALERT_CHANNELS = hook
    world.needs("lag:group:1")
    world.turns(2)
    settings.ALERT_CHANNELS = pager
    world.turns(3)
    assert events() == [("hook", "trigger"), ("pager", "trigger")]
    settings.ALERT_CHANNELS = {}
    world.turns(2)
    settings.ALERT_CHANNELS = {**hook, **pager}
    world.turns(2)
    assert len(events()) == 2
    world.mended("lag:group:1")
    world.turns(5)
    assert events()[2:] == [("hook", "resolve"), ("pager", "resolve")]


def test_a_rule_of_which_every_channel_is_gone_is_news(world: World, settings) -> None:  # type: ignore[no-untyped-def]
    world.rule(raise_after_s=0, channels=("hook",))
    world.turn()
    asked = {"actor": OPERATOR, "now": world.now}
    assert overview.attention(**asked) == []
    settings.ALERT_CHANNELS = {"pager": settings.ALERT_CHANNELS["pager"]}
    (item,) = overview.attention(**asked)
    assert (item.title, item.status) == ("The rule all tells nobody", "crit")
    assert "hook" in item.detail
    check = overview.check(now=world.now)
    assert (check.verdict, check.found) == ("fail", "the rule all tells nobody: there is no channel hook")


def test_who_is_ending_takes_no_message_more(world: World) -> None:
    ending = threading.Event()

    def send(*_: object) -> Answer:
        ending.set()
        return TAKEN

    for _ in range(2):
        acting.test(channel="hook", actor=OPERATOR, now=world.now)
    found = delivering.deliver("hook", random=lambda: 0.5, send=send, time=world.clock, is_ending=ending.is_set)
    assert found == 1
    assert Delivery.objects.get(state=State.WAITING).claimed_until is None


def test_who_has_not_taken_a_message_is_not_said_to_have_been_told(world: World) -> None:
    world.rule(raise_after_s=0)
    world.needs("lag:group:1")
    world.turn()

    def told() -> str:
        return board.row_of(Look(row=incidents()[0], title="", count=1, severity="crit")).told

    assert told() == "nobody; not taken by hook, pager"
    Delivery.objects.filter(channel="hook").update(state=State.SENT)
    assert told() == "hook; not taken by pager"
    Delivery.objects.update(state=State.SENT)
    assert told() == "hook, pager"
