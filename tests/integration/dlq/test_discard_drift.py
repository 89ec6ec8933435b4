"""Discarding what still arrives: the act is on the letters that were counted, and a refusal keeps the reason."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client

from dlq.domain import scope as scopes
from dlq.domain.scope import BadScope, Scope
from dlq.models import Discard, Letter, LetterGroup
from reliability.access import Role
from tests.support.actors import account
from tests.support.replays import World


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(account(Role.OPERATOR, name="bo").user)
    return client


def asked(client: Client) -> dict[str, str]:
    """The dialog's hidden fields."""
    page = client.get("/discards/new/", {"group": LetterGroup.objects.get().pk}).content.decode()
    form = page[page.index('action="/discards/"') :]
    found = re.findall(r'type="hidden" name="(scope|expected)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in found}


def test_letters_that_arrive_while_the_reason_is_typed_are_not_meant(world: World, client: Client) -> None:
    counted = world.letters(3)
    fields = asked(client)
    world.letters(2, start=10)
    client.post("/discards/", {**fields, "reason": "test orders"})
    assert Discard.objects.get().count == 3
    assert set(Letter.objects.filter(state="discarded")) == set(counted)
    assert Letter.objects.filter(state="open").count() == 2


def test_when_some_were_taken_it_asks_again_with_the_new_count_and_the_reason(world: World, client: Client) -> None:
    counted = world.letters(3)
    fields = asked(client)
    world.approve(counted[0])
    answer = client.post("/discards/", {**fields, "reason": "typed with care"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Nothing was discarded" in page
    assert "Discard 2 letters?" in page
    assert ">typed with care</textarea>" in page
    assert not Discard.objects.exists()


def test_a_bound_is_read_as_it_is_written_and_only_where_it_means_something() -> None:
    bound = Scope(group=3, up_to=99)
    assert scopes.parse(bound.as_json()) == bound
    for refused in ({"ids": [1], "up_to": 2}, {"failed_of": 1, "up_to": 2}, {"up_to": 2}, {"group": 1, "up_to": "2"}):
        with pytest.raises(BadScope):
            scopes.parse(refused)
