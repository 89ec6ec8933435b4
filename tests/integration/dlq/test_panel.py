"""A tab of a letter costs what it shows."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from dlq.domain import payload
from dlq.models import Letter
from reliability.access import Role
from tests.support.actors import account
from tests.support.letters import record, store
from tests.support.replays import World

pytestmark = pytest.mark.django_db

LARGE = json.dumps([{"order": number} for number in range(5_000)]).encode()


def shown(client: Client, tab: str) -> str:
    answer = client.get(f"/letters/{Letter.objects.get().pk}/?tab={tab}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_large_payload_is_read_for_its_own_tab_only(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.force_login(account(Role.VIEWER).user)
    store(record(1, value=LARGE))
    read: list[int] = []
    view = payload.view
    monkeypatch.setattr(payload, "view", lambda value, **how: (read.append(len(value or b"")), view(value, **how))[1])
    for tab in ("error", "headers", "history", "trace"):
        page = shown(client, tab)
        assert len(LARGE) not in read, tab
    assert "look at the payload" in shown(client, "error")
    assert "look at the payload" not in page
    assert "order" in shown(client, "payload")
    assert len(LARGE) in read


def test_a_small_payload_is_shown_beside_the_error(client: Client) -> None:
    client.force_login(account(Role.VIEWER).user)
    store(record(1))
    page = shown(client, "error")
    assert "&quot;order&quot;" in page or '"order"' in page
    assert "look at the payload" not in page


def test_the_history_names_no_topic_that_may_not_be_seen(client: Client, world: World) -> None:
    world.create("secret-copies", partitions=1)
    (letter,) = world.letters(1)
    world.send_all(world.approve(letter, target={"kind": "topic", "topic": "secret-copies"}))
    client.force_login(account(Role.VIEWER, topics=("orders",)).user)
    page = client.get(f"/letters/{letter.pk}/?tab=history").content.decode()
    assert "a topic that you may not see" in page
    assert "secret-copies" not in page
