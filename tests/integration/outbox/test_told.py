"""What the overview and doctor say of an outbox that does not send: paused by somebody, or behind."""

from __future__ import annotations

from datetime import timedelta

import pytest

import outbox
from outbox import operations
from outbox.queries import overview
from outbox.queries.shards import BEHIND_AFTER_S
from reliability.access import Role
from reliability.console import queries as console_queries
from reliability.kernel import clock
from tests.support.actors import actor
from tests.support.outbox import append, drain, make_relay

NOW = clock.SYSTEM.now
EVERYBODY = actor(Role.VIEWER)


def events(count: int) -> list[outbox.Event]:
    return [outbox.Event(topic="orders", key=str(n).encode(), value=b"v") for n in range(count)]


@pytest.fixture
def running(broker):
    drain(make_relay(broker))


@pytest.mark.parametrize("topics", [("*",), ("stock*",)])
def test_a_paused_outbox_needs_a_person_and_is_not_quiet(running, topics):
    since = NOW()
    operations.pause(actor=actor(), reason="broker upgrade", now=since)
    append(*events(3))
    reader = actor(Role.VIEWER, topics=topics)
    (item,) = overview.attention(actor=reader, now=NOW())
    assert (item.id, item.status, item.act_label) == ("outbox:paused", "warn", "Look")
    assert item.title == "The outbox is paused: 3 events wait"
    assert (item.detail, item.since) == ("by ana: broker upgrade", since)
    whole = console_queries.overview(actor=reader, now=NOW())
    assert "outbox:paused" in [each.id for each in whole.attention.items]
    assert "quiet" not in whole.verdict.sentence


def test_shards_that_are_paused_alone_are_counted(running):
    operations.pause(shards=[3], actor=actor(), reason="look at it", now=NOW())
    operations.pause(shards=[5], actor=actor(), reason="and at this", now=NOW())
    (item,) = overview.attention(actor=EVERYBODY, now=NOW())
    assert item.title == "2 of 16 shards of the outbox are paused: 0 events wait"
    assert (item.detail, item.count) == ("by ana: look at it; by ana: and at this", 2)


def test_doctor_says_paused_and_what_to_do(running):
    operations.pause(actor=actor(), reason="broker upgrade", now=NOW())
    append(*events(1))
    found = overview.check(now=NOW())
    assert (found.verdict, found.found) == ("warn", "The outbox is paused: 1 event waits")
    assert "outbox resume" in found.remedy
    operations.resume(actor=actor())
    assert overview.check(now=NOW()).verdict == "ok"


def test_doctor_misses_a_relay_unless_nothing_may_leave(db, settings):
    assert "no relay has been heard of lately" in overview.check(now=NOW()).found
    settings.MAINSTAY_READ_ONLY = True
    found = overview.check(now=NOW())
    assert (found.verdict, found.found) == ("ok", "0 events waiting, not sent here: read-only")


def test_doctor_says_behind_once_the_oldest_event_waits_too_long(running):
    append(*events(1))
    assert overview.check(now=NOW() + timedelta(seconds=BEHIND_AFTER_S - 5)).verdict == "ok"
    found = overview.check(now=NOW() + timedelta(seconds=BEHIND_AFTER_S + 60))
    assert found.verdict == "warn"
    assert found.found.startswith("behind: the oldest event waits for 1 min")
    assert "outbox status" in found.remedy
