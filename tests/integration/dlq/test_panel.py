"""A tab of a letter costs what it shows."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from dlq.domain import payload
from dlq.domain.scope import Scope
from dlq.models import Letter, ReplayItem
from dlq.operations import discards
from reliability.access import Role
from reliability.kernel import clock
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


def told(client: Client, letter: Letter, topics: tuple[str, ...]) -> str:
    """The history as page and API tell it to somebody who sees these topics."""
    name = f"reader-{get_user_model().objects.count()}"
    client.force_login(account(Role.VIEWER, name=name, topics=topics).user)
    page = client.get(f"/letters/{letter.pk}/?tab=history").content.decode()
    return page + str(client.get(f"/api/v1/letters/{letter.pk}").json()["history"])


def test_the_history_has_no_run_that_could_not_be_opened(client: Client, world: World) -> None:
    world.create("secret-copies", partitions=1)
    (letter,) = world.letters(1)
    run = world.approve(letter, target={"kind": "topic", "topic": "secret-copies"})
    world.send_all(run)
    mine = world.approve(*world.letters(1, start=9))
    ReplayItem.objects.filter(replay=mine).update(new_letter=letter)
    everything = told(client, letter, ("orders", "secret-copies"))
    limited = told(client, letter, ("orders",))
    for said in (f"Replay #{run.pk}", f"/replays/{run.pk}/", "secret-copies", f"'replay': {run.pk},"):
        assert said in everything
        assert said not in limited
    for said in (f"Replay #{mine.pk}", f"'replay': {mine.pk},"):
        assert said in limited


def test_the_history_names_no_new_letter_that_could_not_be_opened(client: Client, world: World) -> None:
    letter, new = world.letters(2)
    run = world.approve(letter)
    run.items.update(new_letter=new, state="failed_again")
    for said in (f"became letter {new.pk}", f"'new_letter': {new.pk}"):
        assert said in told(client, letter, ("orders",))
    Letter.objects.filter(pk=new.pk).update(origin_topic="secret")
    limited = told(client, letter, ("orders",))
    assert f"Replay #{run.pk}" in limited
    assert "became letter" not in limited
    assert "'new_letter': None" in limited


def test_the_history_has_no_discard_of_topics_that_may_not_be_seen(client: Client, world: World) -> None:
    mine, hidden = world.letters(1)[0], world.letters(1, start=9, origin_topic="secret")[0]
    scope = Scope(ids=(mine.pk, hidden.pk))
    made = discards.discard(scope=scope, reason="the secret campaign", actor=world.operator, now=clock.SYSTEM.now())
    for said in (f"Discard #{made.pk}", "the secret campaign"):
        assert said in told(client, mine, ("orders", "secret"))
        assert said not in told(client, mine, ("orders",))
