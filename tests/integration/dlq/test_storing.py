"""Nobody who stores dead letters: said on the overview, on the tile and on the pages, never passed over as "none"."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from dlq.queries import overview, storing
from reliability.access.domain.roles import Role
from reliability.console.domain.values import Item
from reliability.live import operations
from tests.support.actors import account, actor
from tests.support.letters import NOW

pytestmark = pytest.mark.django_db

STARTED = NOW


def beat(name: str, *, state: str = "running", pid: int = 1) -> None:
    operations.record_beat(name=name, host="a", pid=pid, state=state, facts={}, started_at=STARTED)


def titles() -> list[str]:
    return [item.title for item in storing.attention()]


def test_a_process_that_was_stopped_cleanly_is_missed_until_another_runs() -> None:
    beat("letters")
    assert storing.attention() == []
    beat("letters", state="stopped")
    (item,) = storing.attention()
    assert isinstance(item, Item)
    assert (item.status, item.title, item.is_cause) == ("crit", "No process stores dead letters", True)
    assert item.since is not None
    assert "consume_dead_letters" in item.detail
    beat("letters", pid=2)
    assert storing.attention() == []


def test_a_process_that_never_ran_is_missed_too() -> None:
    (item,) = storing.attention()
    assert item.since is None


def test_each_configured_cluster_has_its_own(settings: Settings) -> None:
    settings.KAFKA_CLUSTERS = {"main": {}, "eu": {}}
    beat("letters")
    assert titles() == ["No process stores dead letters of cluster eu"]
    assert "--cluster eu" in storing.attention()[0].detail
    beat("letters:eu")
    assert titles() == []


def test_the_tile_is_not_green_while_nobody_stores() -> None:
    viewer = actor(Role.VIEWER)
    assert overview.tile(actor=viewer, now=NOW).word == "Not stored"
    assert overview.tile(actor=viewer, now=NOW).status == "crit"
    beat("letters")
    assert overview.tile(actor=viewer, now=NOW).word == "None"


@pytest.mark.parametrize("address", ["/letters/", "/letters/all/"])
def test_the_pages_say_it_and_do_not_say_that_there_are_none(address: str, client: Client) -> None:
    client.force_login(account(Role.VIEWER).user)
    page = client.get(address).content.decode()
    assert "No process stores dead letters." in page
    assert "No dead letters are known" in page
    beat("letters")
    page = client.get(address).content.decode()
    assert "No process stores" not in page
    assert ">No dead letters<" in page
