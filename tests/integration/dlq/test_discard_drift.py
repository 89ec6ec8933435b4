"""Discarding what still arrives: the act is on the letters that were counted, and a refusal keeps the reason."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client

from dlq.domain import scope as scopes
from dlq.domain.scope import BadScope, Scope
from dlq.models import Discard, Letter, LetterGroup
from dlq.operations import discards
from reliability.access import Role
from reliability.audit.models import Entry
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


def test_letters_taken_between_the_count_and_the_act_refuse_it_and_nothing_is_discarded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = world.letters(5)
    scope = Scope(ids=tuple(letter.pk for letter in letters))
    choose = discards._chosen

    def late(*given: Any) -> Any:
        monkeypatch.undo()
        chosen = choose(*given)
        world.approve(*letters[:2])  # somebody else, after the count and before the act
        return chosen

    def discard(expected: int | None) -> Discard:
        given: dict[str, Any] = {"scope": scope, "reason": "x", "actor": world.operator, "now": world.now}
        return discards.discard(**given, expected=expected)

    monkeypatch.setattr(discards, "_chosen", late)
    with pytest.raises(discards.CountChanged, match="has 3 letters to discard now, not 5"):
        discard(5)
    assert not Discard.objects.exists()
    assert not Letter.objects.filter(state="discarded").exists()
    assert LetterGroup.objects.get().open_count == Letter.objects.filter(state="open").count()
    entry = Entry.objects.filter(act="letters.discard").latest("seq")
    assert entry.outcome == "refused"
    assert discard(Letter.objects.filter(state="open").count()).undone_at is None
