"""The dead letters of one key, as the page of what it names shows them."""

from __future__ import annotations

import pytest
from django.test import Client

from dlq.domain.scope import Scope
from dlq.models import Letter
from dlq.operations import discards
from dlq.views import related
from reliability.access import Role
from tests.support.actors import account, actor
from tests.support.letters import record, store
from tests.support.replays import World

pytestmark = pytest.mark.django_db

VIEWER = actor(Role.VIEWER)
KEY = b"order-17"


def test_all_letters_of_the_key_are_one_part_and_a_line_each() -> None:
    store(record(1), record(2, error_type="shop.errors.Other"), record(3, key=b"order-170"))
    (part,) = related.letters(VIEWER, "order-17", 1.0)
    assert (part.title, part.status, part.word) == ("2 letters", "crit", "Dead")
    assert part.url == "/letters/all/?q=key%3Aorder-17"
    assert all(row.text.startswith("given up in billing: ") for row in part.happened)
    assert len(part.happened) == 2
    assert part.links == (), "a viewer does not replay"
    assert related.letters(VIEWER, "order-1", 1.0) == []


def test_who_may_replay_is_led_to_a_plan_of_what_is_open(client: Client) -> None:
    store(record(1), record(2))
    (part,) = related.letters(actor(Role.OPERATOR), "order-17", 1.0)
    assert [link.label for link in part.links] == ["Plan a replay"]
    client.force_login(account(Role.OPERATOR, name="otto").user)
    page = client.get(part.links[0].url)
    assert page.status_code == 200
    assert "key:order-17 state:open" in page.content.decode()


@pytest.mark.parametrize("key", ["ord-*", 'a"b'])
def test_a_key_that_no_search_can_mean_leads_to_the_letter_itself(key: str) -> None:
    store(record(1, key=key.encode()), record(2, key=key.encode()), record(3, key=b"ord-17"))
    (part,) = related.letters(actor(Role.OPERATOR), key, 1.0)
    assert part.title == "2 letters"
    assert part.url.startswith("/letters/")
    assert "all" not in part.url
    assert part.links == ()


def test_what_was_done_with_them_is_told(world: World) -> None:
    first, second = world.letters(1, key=KEY)[0], world.letters(1, key=KEY, start=5)[0]
    run = world.approve(first)
    world.send_all(run)
    made = discards.discard(scope=Scope(ids=(second.pk,)), reason="a test", actor=world.operator, now=world.now)
    discards.undo(discard_id=made.pk, actor=world.operator, now=world.now)
    (part,) = related.letters(world.operator, "order-17", 1.0)
    assert part.facts == (("Dead", "1"), ("Replaying", "1"))
    said = [(row.who, row.text) for row in part.happened]
    assert ("ana", "discarded it: “a test”") in said
    assert ("ana", f"undid discard #{made.pk}") in said
    assert ("", f"letter {first.pk} in replay #{run.pk}: sent") in said


def test_of_hidden_topics_there_is_nothing(world: World) -> None:
    world.create("stock", partitions=1)
    hidden, mine = world.letters(1, key=KEY)[0], world.letters(1, key=KEY, start=5, origin_topic="stock")[0]
    world.approve(hidden, mine)  # of both topics: hidden too
    limited = actor(Role.OPERATOR, topics=("stock",))
    (part,) = related.letters(limited, "order-17", 1.0)
    assert part.title == "1 letter"
    assert part.url == f"/letters/{mine.pk}/"
    assert len(part.happened) == 1
    assert related.letters(actor(Role.OPERATOR, topics=("else",)), "order-17", 1.0) == []


def test_a_key_that_looks_like_a_secret_is_found_by_those_who_see_it_only() -> None:
    store(record(1, key=b"token=abcdef"))
    assert related.letters(actor(Role.OPERATOR), "token=abcdef", 1.0)
    assert related.letters(VIEWER, "token=abcdef", 1.0) == []


@pytest.mark.parametrize("key", ["", "a\x00b", "\ud800", "order-1%", "order-*"])
def test_a_key_is_taken_as_it_stands_or_not_at_all(key: str) -> None:
    store(record(1))
    assert related.letters(VIEWER, key, 1.0) == []


def test_letters_lead_to_everything_about_their_key(client: Client) -> None:
    store(record(1), record(2, key=b"token=abcdef"), record(3, key=None), record(4, key=b"a\x00b"))
    client.force_login(account(Role.VIEWER, name="vito").user)
    listed = client.get("/letters/all/").content.decode()
    assert listed.count("/orders/") == 2, "one is masked for a viewer, one has no key"
    assert 'href="/orders/order-17/"' in listed
    assert "token=abcdef" not in listed
    for key, count in (("order-17", 1), ("token=abcdef", 0)):
        letter = Letter.objects.get(key_text=key)
        assert client.get(f"/letters/{letter.pk}/").content.decode().count("/orders/") == count
