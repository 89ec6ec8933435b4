"""The page of a failure names the run that holds its letters, and how that run stands."""

from __future__ import annotations

import pytest
from django.test import Client

from dlq.models import LetterGroup, Replay
from reliability.access import Role
from tests.support.actors import account
from tests.support.replays import World


def page_of_the_failure(*topics: str) -> str:
    client = Client()
    client.force_login(account(Role.OPERATOR, name="bo", topics=topics or ("*",)).user)
    return client.get(f"/letters/groups/{LetterGroup.objects.get().pk}/").content.decode()


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("running", '2 being replayed by <a href="/replays/{run}/">Replay #{run}</a>'),
        ("stopped", '2 held by <a href="/replays/{run}/">Replay #{run}</a>, which stopped by itself'),
        ("paused", '2 held by <a href="/replays/{run}/">Replay #{run}</a>, which is paused'),
    ],
)
def test_it_says_which_run_holds_letters_and_how_it_stands(world: World, state: str, said: str) -> None:
    run = world.approve(*world.letters(5)[:2])
    Replay.objects.update(state=state)
    assert said.format(run=run.pk) in page_of_the_failure()


def test_a_run_that_may_not_be_seen_is_not_named(world: World) -> None:
    run = world.approve(*world.letters(3)[:2])
    Replay.objects.update(topics=["orders", "stock"])
    page = page_of_the_failure("orders")
    assert "2 in a replay" in page
    assert f"/replays/{run.pk}/" not in page
