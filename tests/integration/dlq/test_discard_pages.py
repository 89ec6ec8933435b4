"""The list of discards, and what addresses say to a method that they do not take."""

from __future__ import annotations

import pytest
from django.test import Client

from dlq.domain.scope import Scope
from dlq.models import Discard
from dlq.operations import discards
from reliability.access import Role
from tests.support.actors import account
from tests.support.replays import World


def signed_in(*topics: str, name: str = "bo") -> Client:
    client = Client()
    client.force_login(account(Role.VIEWER, name=name, topics=topics or ("*",)).user)
    return client


def discarded(world: World, **changes: str) -> Discard:
    ids = tuple(letter.pk for letter in world.letters(2, start=Discard.objects.count() * 10, **changes))
    return discards.discard(scope=Scope(ids=ids), reason="test orders", actor=world.operator, now=world.now)


def test_discards_are_listed_to_who_may_see_their_topics(world: World) -> None:
    made, hidden = discarded(world), discarded(world, origin_topic="stock")
    page = signed_in("orders").get("/discards/").content.decode()
    assert f'id="discard-{made.pk}"' in page
    assert "test orders" in page
    assert f'id="discard-{hidden.pk}"' not in page
    assert "Nothing was discarded" in signed_in("elsewhere", name="al").get("/discards/").content.decode()


def test_a_viewer_reads_the_list_and_discards_nothing(world: World) -> None:
    client = signed_in()
    assert client.get("/discards/").status_code == 200
    assert client.post("/discards/", {"all": "1", "q": "", "reason": "x"}).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("GET", "/replays/plans/", "POST"), ("PUT", "/discards/", "GET, HEAD, POST")]
)
def test_a_page_says_which_methods_it_takes(world: World, method: str, path: str, allowed: str) -> None:
    answer = signed_in().generic(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert f"not {method}. Nothing was done." in answer.content.decode()


def test_the_api_says_so_as_a_problem(world: World) -> None:
    client = signed_in()
    answer = client.put("/api/v1/discards")
    assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "POST"}
    missing = client.get("/api/v1/discards/")
    assert (missing.status_code, missing.json()["code"]) == (404, "not-found")
