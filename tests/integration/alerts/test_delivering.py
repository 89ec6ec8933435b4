"""Messages on their way: in order, taken once when all goes well, never lost when nothing does."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import connections

from reliability import access
from reliability.alerts.domain.answer import Answer
from reliability.alerts.domain.channels import Channel
from reliability.alerts.domain.message import Message
from reliability.alerts.domain.telling import Event
from reliability.alerts.models import Delivery
from reliability.alerts.models.deliveries import State
from reliability.alerts.operations import acting, delivering, forgetting
from reliability.alerts.queries import overview
from reliability.kernel.failpoint import EXIT_CODE
from tests.integration.alerts.world import OPERATOR, World, incidents
from tests.support.receiver import Receiver, receiving

ROOT = Path(__file__).parents[3]
TAKEN = Answer(is_taken=True, text="taken", status=200)
DOWN = Answer(is_taken=False, text="no answer", status=None)
SYSTEM = access.system_actor("test")


class Side:
    """The other side of every channel: keeps what it takes; says what ``answer`` is."""

    def __init__(self) -> None:
        self.answer = TAKEN
        self.taken: list[tuple[str, str, str]] = []
        self.tries = 0

    def send(self, channel: Channel, message: Message, number: str, now: datetime) -> Answer:
        self.tries += 1
        if self.answer.is_taken:
            self.taken.append((channel.name, message.event.value, number))
        return self.answer


def deliver(world: World, side: Side) -> int:
    due = delivering.due_channels(now=world.now)
    return sum(delivering.deliver(name, random=lambda: 0.5, send=side.send, time=world.clock) for name in due)


@pytest.fixture
def side() -> Side:
    return Side()


def flap(world: World) -> None:
    """An incident that begins and ends, with both messages written."""
    world.needs("lag:group:1")
    world.turn()
    world.mended("lag:group:1")
    world.turn()


def test_both_channels_take_the_beginning_and_then_the_end(world: World, side: Side) -> None:
    world.rule(raise_after_s=0, clear_after_s=0)
    flap(world)
    assert deliver(world, side) == 4
    for channel in ("hook", "pager"):
        assert [event for name, event, _ in side.taken if name == channel] == ["trigger", "resolve"]
    assert deliver(world, side) == 0
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.SENT}


def test_the_end_waits_for_the_beginning_and_another_incident_does_not(world: World, side: Side) -> None:
    world.rule(raise_after_s=0, clear_after_s=0, channels=("pager",))
    flap(world)
    side.answer = DOWN
    deliver(world, side)
    world.needs("letters:group:1", room="letters")
    world.turn(after_s=0.5)
    side.answer = TAKEN
    assert deliver(world, side) == 1
    assert [event for _, event, _ in side.taken] == ["trigger"]
    world.clock.advance(10)
    deliver(world, side)
    assert [event for _, event, _ in side.taken] == ["trigger", "trigger", "resolve"]


def test_a_channel_that_is_down_for_an_hour_loses_nothing_and_is_not_hammered(world: World, side: Side) -> None:
    world.rule(raise_after_s=0, clear_after_s=0, channels=("pager",))
    side.answer = DOWN
    for _ in range(3):
        flap(world)
    for _ in range(1_800):
        world.clock.advance(2)
        deliver(world, side)
    assert side.tries < 150
    waiting = Delivery.objects.filter(state=State.WAITING)
    assert waiting.count() == 6
    (item,) = [each for each in overview.attention(actor=SYSTEM, now=world.now) if each.id == "alerts:channel:pager"]
    assert (item.status, item.detail) == ("crit", "no answer")
    side.answer = TAKEN
    for _ in range(200):
        world.clock.advance(2)
        deliver(world, side)
    assert len(side.taken) == 6
    assert len({number for _, _, number in side.taken}) == 6
    assert [each for each in overview.attention(actor=SYSTEM, now=world.now) if "pager" in each.id] == []


def test_after_a_day_a_message_is_given_up_and_the_next_one_goes_until_somebody_sends_it_again(
    world: World, side: Side
) -> None:
    world.rule(raise_after_s=0, clear_after_s=0, channels=("pager",))
    flap(world)
    side.answer = DOWN
    world.clock.advance(25 * 3600)
    deliver(world, side)
    first, last = Delivery.objects.order_by("id")
    assert (first.state, last.state) == (State.GIVEN_UP, State.WAITING)
    side.answer = TAKEN
    with pytest.raises(acting.IsUnderWay):
        acting.send_again(number=last.pk, actor=OPERATOR, now=world.now)
    acting.send_again(number=first.pk, actor=OPERATOR, now=world.now)
    assert deliver(world, side) == 2
    assert [event for _, event, _ in side.taken] == ["trigger", "resolve"]


def test_a_channel_that_is_not_configured_any_more_is_said_by_name(world: World, side: Side, settings) -> None:  # type: ignore[no-untyped-def]
    world.rule(raise_after_s=0, channels=("pager",))
    world.needs("lag:group:1")
    world.turn()
    settings.ALERT_CHANNELS = {}
    deliver(world, side)
    row = Delivery.objects.get()
    assert row.state == State.GIVEN_UP
    assert "No channel is called 'pager'" in row.answer


def test_a_channel_that_makes_no_sense_any_more_is_said_by_name(world: World, side: Side, settings) -> None:  # type: ignore[no-untyped-def]
    world.rule(raise_after_s=0, channels=("pager",))
    world.needs("lag:group:1")
    world.turn()
    settings.ALERT_CHANNELS = {"pager": {"kind": "pigeon"}}
    deliver(world, side)
    assert "of no kind that there is" in Delivery.objects.get().answer


def test_a_test_goes_the_way_that_all_go(world: World, side: Side) -> None:
    row = acting.test(channel="hook", actor=OPERATOR, now=world.now)
    assert deliver(world, side) == 1
    assert side.taken == [("hook", Event.TEST.value, f"msg-{row.pk}")]


def test_of_many_senders_at_once_each_message_goes_once(world: World, side: Side) -> None:
    world.rule(raise_after_s=0, clear_after_s=0)
    for _ in range(10):
        flap(world)
    gate = threading.Barrier(4)

    def work() -> None:
        gate.wait()
        try:
            for _ in range(30):
                deliver(world, side)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [number for _, _, number in side.taken]
    assert (len(numbers), len(set(numbers))) == (40, 40)
    order = [event for name, event, _ in side.taken if name == "pager"]
    assert order.count("trigger") == order.count("resolve") == 10


def test_who_claimed_too_long_ago_writes_nothing(world: World, side: Side) -> None:
    world.rule(raise_after_s=0, channels=("pager",))
    world.needs("lag:group:1")
    world.turn()
    late = delivering._claimed("pager", now=world.now)
    assert late is not None
    assert deliver(world, side) == 0
    world.clock.advance(91)
    assert deliver(world, side) == 1
    assert delivering.settle(late, DOWN, now=world.now, random=lambda: 0.5) is False
    assert Delivery.objects.get().state == State.SENT


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


PROGRAM = """
import django; django.setup()
from django.conf import settings
settings.ALERT_CHANNELS = {"hook": {"kind": "webhook", "url": "%s", "secret": "s" * 32, "allow": ["127.0.0.0/8"]}}
settings.DATABASES["default"]["NAME"] = "%s"
import random
from reliability.alerts.operations import delivering
from reliability.kernel import clock
print(delivering.deliver("hook", random=random.random))
"""


def process(receiver: Receiver, failpoint: str) -> int:
    """Deliver in a process of its own, which dies at a place."""
    name = connections["default"].settings_dict["NAME"]
    env = {**os.environ, "MAINSTAY_FAILPOINT": failpoint, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    program = PROGRAM % (receiver.url, name)
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=env, check=False, timeout=60).returncode


@pytest.mark.parametrize(("place", "arrived"), [("alerts.claimed", 1), ("alerts.sent", 2)])
def test_a_sender_that_is_killed_loses_nothing_and_sends_again_under_the_same_number(
    world: World,
    receiver: Receiver,
    settings,
    place: str,
    arrived: int,  # type: ignore[no-untyped-def]
) -> None:
    hook = {"kind": "webhook", "url": receiver.url, "secret": "s" * 32, "allow": ["127.0.0.0/8"]}
    settings.ALERT_CHANNELS = {"hook": hook}
    world.rule(raise_after_s=0, channels=("hook",))
    world.needs("lag:group:1")
    world.turn()
    Delivery.objects.update(due_at=world.now - timedelta(minutes=1))  # the process has a clock of its own
    assert process(receiver, place) == EXIT_CODE
    assert Delivery.objects.get().state == State.WAITING
    Delivery.objects.update(claimed_until=world.now - timedelta(minutes=1))  # its claim ended
    assert process(receiver, "") == 0
    assert Delivery.objects.get().state == State.SENT
    assert len(receiver.requests) == arrived
    assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == 1


def test_what_is_old_is_forgotten_and_what_is_open_or_waits_is_not(world: World, side: Side) -> None:
    world.rule(raise_after_s=0, clear_after_s=0)
    flap(world)
    deliver(world, side)
    flap(world)
    world.needs("letters:group:1", room="letters")
    world.turn()
    world.clock.advance(91 * 86_400)
    assert forgetting.forget(now=world.now) == 1
    assert len(incidents()) == 2
