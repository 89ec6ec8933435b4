"""What the outbox and its consumers tell about a topic or a group that is behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F

from outbox import operations
from outbox.queries import causes
from reliability import access
from reliability.console import queries as console
from reliability.console.domain.values import Fact, Subject
from reliability.kernel import clock
from reliability.live import operations as live
from reliability.live.models import Heartbeat
from tests.support import actors
from tests.support.outbox import park

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
EVERYBODY = actors.actor(access.Role.VIEWER)


def told(kind: str, name: str) -> list[Fact]:
    return list(causes.cause(Subject(kind=kind, name=name), HOUR, now=clock.SYSTEM.now()))  # type: ignore[arg-type]


def beat(group: str = "payments", *, state: str = "running", **facts: object) -> None:
    live.record_beat(name=f"consume:{group}", host="a", pid=1, state=state, facts=facts, started_at=clock.SYSTEM.now())


def test_a_topic_whose_events_are_parked_or_held_says_so() -> None:
    assert told("topic", "orders") == []
    for event, topic in enumerate(("orders", "orders", "stock"), start=1):
        park(event, key=None, topic=topic)
    assert [fact.text for fact in told("topic", "orders")] == ["2 events for it cannot be sent, and wait in the outbox"]
    operations.pause(actor=actors.actor(), reason="x", now=clock.SYSTEM.now())
    assert [(fact.severity, fact.text) for fact in told("topic", "else")] == [
        ("paused", "the outbox is paused: new events for it may be waiting there")
    ]


def test_a_consumer_at_work_or_of_another_group_explains_nothing() -> None:
    beat("payments", partitions=3, under_way_s=1.0, under_way="orders/0 @7", waiting={})
    beat("stock", gate="a breaker")
    assert told("group", "payments") == []
    assert told("group", "pay") == []
    assert told("aggregate", "payments") == []


def test_what_holds_a_consumer_up_is_said_with_the_place() -> None:
    beat(
        gate="the breaker provider, which is open",
        gate_since="2026-11-22T08:00:00+00:00",
        under_way_s=14.0,
        under_way="orders/2 @118",
        waiting={f"orders/{n}": "PaymentTimeout" for n in range(9)},
    )
    found = told("group", "payments")
    assert [fact.text for fact in found[:3]] == [
        "its consumer is held back by the breaker provider, which is open",
        "its handler is busy with one message, orders/2 @118",
        "its consumer waits before it goes on with orders/0: PaymentTimeout",
    ]
    assert len(found) == 5
    assert found[0].since == datetime(2026, 11, 22, 8, tzinfo=UTC)
    since = found[1].since
    assert since is not None
    assert 13 < (clock.SYSTEM.now() - since).total_seconds() < 17


def test_a_place_is_told_to_who_sees_its_topic() -> None:
    beat("payments", under_way_s=14.0, under_way="orders/2 @118", waiting={"orders/1": "secret"}, gate="secret")
    limited = actors.actor(access.Role.VIEWER, topics=("orders",))
    subject = Subject(kind="group", name="payments")
    assert [fact.text for fact in console.facts_about([subject], window=HOUR, actor=limited).facts] == [
        "its handler is busy with one message, orders/2 @118"
    ]
    assert len(console.facts_about([subject], window=HOUR, actor=EVERYBODY).facts) == 3


@pytest.mark.parametrize(
    "facts",
    [
        {"under_way_s": "14", "under_way": "orders/2 @118"},
        {"under_way_s": 14, "under_way": None},
        {"waiting": 3},
        {"waiting": ["orders/1"]},
        {"gate": 7},
    ],
)
def test_facts_of_another_shape_are_passed_over(facts: dict[str, object]) -> None:
    beat(**facts)
    assert told("group", "payments") == []


def test_a_consumer_that_fell_silent_is_told_and_one_that_ended_is_not() -> None:
    beat()
    Heartbeat.objects.update(at=F("at") - timedelta(seconds=60))
    assert [fact.text for fact in told("group", "payments")] == ["its consumer on a is not heard from"]
    beat(state="stopped")
    assert told("group", "payments") == []
