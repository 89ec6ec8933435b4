"""The events about something: found by index, told as they stand, hidden where their topic is."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection

from outbox import models, queries
from outbox.domain.event import Event
from outbox.queries.about import _ABOUT
from outbox.views import related
from reliability import access
from reliability.access import Role
from reliability.kafka.memory import MemoryBroker
from tests.support import actors
from tests.support.outbox import append, drain, make_relay, park

ALL = access.visible_topics(actors.actor(Role.VIEWER))


def event(topic: str = "orders", *, about: str = "", key: bytes | None = None, **more: object) -> Event:
    given = {"value": b"{}", "event_type": "order.placed", **more}
    return Event(topic=topic, key=key, aggregate=("order", about) if about else None, **given)  # type: ignore[arg-type]


def told(name: str = "ord-17", *, topics: tuple[str, ...] = ("*",)) -> list[tuple[str, str]]:
    visible = access.visible_topics(actors.actor(Role.VIEWER, topics=topics))
    return [(row.topic, row.state) for row in queries.about(name, visible=visible)]


def test_they_are_found_by_what_they_are_about_else_by_key() -> None:
    append(
        event(about="ord-17", key=b"customer-1"),
        event("stock", key=b"ord-17"),
        event(about="customer-1", key=b"ord-17"),  # says itself what it is about
        event(about="ord-170", key=b"ord-170"),
        event(key=b"ord-170"),
        event(),
    )
    assert told() == [("stock", "waiting"), ("orders", "waiting")]
    assert told("customer-1") == [("orders", "waiting")]


def test_what_the_relay_sent_is_sent_and_what_came_after_waits(broker: MemoryBroker) -> None:
    append(event(about="ord-17"), event(about="ord-17", receipt=True))
    drain(make_relay(broker))
    append(event("stock", about="ord-17"))
    assert told() == [("stock", "waiting"), ("orders", "sent"), ("orders", "sent")]
    rows = queries.about("ord-17", visible=ALL)
    assert rows[2].receipt is None
    assert rows[1].receipt is not None
    assert rows[1].receipt.state == "sent"


def test_parked_ones_say_why_and_what_waits_behind_them() -> None:
    append(event(about="ord-17"), event(about="ord-17"))
    first, second = models.Event.objects.order_by("id")
    park(first.pk, key=None, topic="orders", reason="too large")
    park(second.pk, key=None, topic="orders", behind=True)
    assert told() == [("orders", "behind"), ("orders", "parked")]
    (part,) = related.events(actors.actor(Role.VIEWER), "ord-17", 1.0)
    assert (part.title, part.status, part.word) == ("2 events", "crit", "Cannot be sent")
    assert part.text == "order.placed to orders: too large"
    assert part.facts == (("Cannot be sent", "1"), ("Waits behind", "1"))
    assert part.url == "/outbox/#parked"


def test_a_receipt_of_a_refusal_is_believed() -> None:
    (event_id,) = append(event(about="ord-17", receipt=True))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_receipt VALUES (%s, 'orders', NULL, NULL, '', 'refused', 'gone', clock_timestamp())",
            [event_id],
        )
    assert told() == [("orders", "refused")]
    (part,) = related.events(actors.actor(Role.VIEWER), "ord-17", 1.0)
    assert (part.word, part.happened[0].text) == ("Refused", "order.placed to orders was refused by Kafka: gone")


def test_of_hidden_topics_there_is_nothing() -> None:
    append(event("orders", about="ord-17"), event("secret", about="ord-17"), event("secret", key=b"ord-17"))
    assert told(topics=("ord*",)) == [("orders", "waiting")]
    assert told(topics=("nothing",)) == []
    limited = actors.actor(Role.VIEWER, topics=("ord*",))
    (part,) = related.events(limited, "ord-17", 1.0)
    assert part.title == "1 event"
    assert "secret" not in str(part)
    assert related.events(actors.actor(None), "ord-17", 1.0) == []


def test_while_a_shard_is_paused_so_are_its_events() -> None:
    append(event(about="ord-17"))
    connection.cursor().execute("UPDATE outbox_shard SET paused_at = clock_timestamp()")
    (part,) = related.events(actors.actor(Role.VIEWER), "ord-17", 1.0)
    assert (part.status, part.word) == ("paused", "Paused")


def test_of_very_many_the_newest_are_told() -> None:
    append(*(event(about="ord-17") for _ in range(related.EVENTS_MAX + 40)))
    (part,) = related.events(actors.actor(Role.VIEWER), "ord-17", 1.0)
    assert part.title == f"the newest {related.EVENTS_MAX} events"
    assert len(part.happened) == related.EVENTS_MAX
    assert len(queries.about("ord-17", visible=ALL, limit=10_000)) == related.EVENTS_MAX + 40


@pytest.mark.parametrize("name", ["", "a\x00b", "\ud800", "%", "_", "ord-*", "x" * 10_000])
def test_a_name_is_taken_as_it_stands_or_not_at_all(name: str) -> None:
    append(event(about="ord-17", key=b"ord-17"), event(key=b"ord-17"))
    assert told(name) == []


def test_long_keys_are_appended_and_told_apart_behind_their_beginning() -> None:
    long = "k" * 100
    append(event(key=long.encode()), event(key=long.encode() + b"2"), event(key=b"\xff" * 100_000))
    assert len(told(long)) == len(told(f"{long}2")) == 1


def test_neither_way_reads_more_than_its_index() -> None:
    append(*(event(about=f"ord-{uuid4()}") for _ in range(500)), *(event(key=uuid4().bytes) for _ in range(500)))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE outbox_event")
        values = {"name": "ord-17", "key": b"ord-17", "topics": [], "limit": 60}
        cursor.execute("EXPLAIN " + _ABOUT, values)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert plan.count("Index Scan") >= 2
    assert "Seq Scan on outbox_event_from_0 " not in plan, plan  # the others are empty
