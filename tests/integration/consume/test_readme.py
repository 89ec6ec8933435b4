"""What the README says of the outbox and the consume loop in one's own service, word for word, over a real broker."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.db import connections, transaction

from outbox import relay
from outbox.models.events import Event
from outbox.models.inbox import Inbox
from reliability.kafka import clusters
from tests.support import readme
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

INSTALL, APPEND, CONSUME = readme.blocks("Use it in your own service", "python")
PLACED = 'topic="orders.placed"'


@pytest.fixture
def topic() -> Iterator[str]:
    """A topic of this test's own, in place of the README's."""
    name = f"c.readme-{uuid.uuid4().hex[:8]}.orders.placed"
    clusters.admin().create_topics({name: 1})
    yield name
    clusters.admin().delete_topic(name)


def test_the_rooms_are_installed_like_this() -> None:
    assert INSTALL.strip() == 'INSTALLED_APPS += [*reliability.ROOMS, "outbox"]'
    assert "outbox" in settings.INSTALLED_APPS


def _append(topic: str, *, saves: Any) -> None:
    order = SimpleNamespace(id=17, save=saves)
    assert PLACED in APPEND
    names = {"transaction": transaction, "order": order, "body": b'{"order": 17}'}
    exec(APPEND.replace(PLACED, f"topic={topic!r}"), names)


def test_an_event_is_committed_with_its_order_or_not_at_all(topic: str) -> None:
    def refuse() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        _append(topic, saves=refuse)
    assert not Event.objects.exists()
    _append(topic, saves=lambda: None)
    assert Event.objects.get().topic == topic


def test_what_is_appended_is_handled_once_on_the_other_side(topic: str) -> None:
    _append(topic, saves=lambda: None)
    with closing(relay.of_this_process(hosting="process")) as sender:
        while sender.step():
            pass
    stop = threading.Event()
    group = f"payments-{uuid.uuid4().hex[:8]}"
    said = CONSUME.replace('topics=["orders.placed"]', f"topics=[{topic!r}]").replace('"payments"', repr(group))
    assert said.count(topic) == said.count(group) == 1

    def serve() -> None:
        try:
            exec(said, {"stop": stop})
        finally:
            connections.close_all()

    service = threading.Thread(target=serve)
    service.start()
    try:
        handled = Inbox.objects.filter(consumer=group, state="done")
        wait_until(handled.exists, within_s=40, what="the handler had the event")
    finally:
        stop.set()
        service.join(30)
    assert not service.is_alive()
    assert handled.count() == 1
