"""Polling where websockets are blocked."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client

from reliability import live
from reliability.access import Role
from tests.support import actors
from tests.support.network import silent_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clean_redis")]


def signed_in(role: Role | None = Role.VIEWER) -> Client:
    account = actors.account(role or Role.VIEWER)
    client = Client()
    client.force_login(account.user)
    if role is None:
        account.delete()
    return client


def test_it_gives_versions_of_the_topics_asked_for() -> None:
    live.changed("activity")
    client = signed_in()
    first = client.get("/live/versions?topics=letters,outbox").json()
    live.changed("letters")
    second = client.get("/live/versions?topics=letters,outbox").json()
    assert second["versions"]["letters"] != first["versions"]["letters"]
    assert second["versions"]["outbox"] == first["versions"]["outbox"]
    assert second["hints"] is True


def test_signed_out_is_401_and_no_redirect() -> None:
    assert Client().get("/live/versions?topics=letters").status_code == 401


@pytest.mark.parametrize("asked", ["", "secrets", "," * 500, "%00", "replay:1;drop"])
def test_topics_that_do_not_exist_are_left_out(asked: str) -> None:
    answer = signed_in().get(f"/live/versions?topics={asked}")
    assert answer.status_code == 200
    assert answer.json()["versions"] == {}


def test_who_has_no_role_gets_no_versions() -> None:
    assert signed_in(None).get("/live/versions?topics=letters").json()["versions"] == {}


def test_a_redis_that_hangs_costs_little(settings: Any) -> None:
    client = signed_in()
    with silent_port() as port:
        settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
        began = time.monotonic()
        answer = client.get("/live/versions?topics=letters").json()
        assert time.monotonic() - began < 3, "nothing bounds the wait"
    assert answer["hints"] is False
    assert answer["versions"]["letters"].startswith("poll:")
