"""The list of runs: what is proved and what only passed are two figures."""

from __future__ import annotations

from django.test import Client

from dlq.models import Replay
from reliability.access import Role
from tests.support.actors import account
from tests.support.replays import World


def test_confirmed_and_passed_stand_apart(world: World) -> None:
    world.approve(*world.letters(5))
    Replay.objects.update(state="finished", finished_at=world.now, counts={"confirmed": 2, "passed": 3})
    client = Client()
    client.force_login(account(Role.VIEWER, name="bo").user)
    page = client.get("/replays/").content.decode()
    assert 'data-label="confirmed">2</td>' in page
    assert 'data-label="passed">3</td>' in page
