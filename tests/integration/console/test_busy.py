"""More requests than connections: each is served in its turn or told "busy"; the console is not down."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.db import close_old_connections, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from reliability.access import Role
from reliability.console import middleware, outage
from tests.support import actors


@contextmanager
def every_connection_taken() -> Iterator[None]:
    """Hold all that the pool has to give: a new one, of which no thread of an earlier test has anything."""
    connection.close()
    connection.close_pool()
    connection.ensure_connection()
    pool = connection.pool
    assert pool is not None
    connection.close()
    with ExitStack() as held:
        for _ in range(pool.max_size):
            held.enter_context(pool.connection(timeout=60))
        yield


@pytest.fixture
def client(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(outage, "WATCH", outage.Watch())
    client = Client(raise_request_exception=False)
    client.force_login(actors.account(Role.OPERATOR).user)
    return client


def ask(client: Client, path: str, **headers: str) -> Any:
    return client.get(path, headers=headers)


def test_a_request_without_a_connection_is_told_busy_and_nothing_is_declared_down(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "READ_WITHIN_S", 1.0)
    with every_connection_taken():
        page = ask(client, "/settings/")
        fragment = ask(client, "/", **{"HX-Request": "true"})
        api = ask(client, "/api/v1/overview")
        assert outage.WATCH.down_since is None
        assert ask(client, "/health/ready").json()["parts"]["database"] == "ok"
    assert [each.status_code for each in (page, fragment, api)] == [503] * 3
    assert [each.headers["Retry-After"] for each in (page, fragment, api)] == ["1"] * 3
    assert "busy, not down" in page.content.decode()
    assert "does not answer" not in page.content.decode()
    assert "busy, not down" in fragment.content.decode()
    assert api.json()["code"] == "busy"
    assert ask(client, "/settings/").status_code == 200


def test_fifty_readers_at_once_are_all_served(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "TURN_WITHIN_S", 60.0)  # how fast the machine is belongs to no test
    monkeypatch.setattr(middleware, "READ_WITHIN_S", 60.0)
    monkeypatch.setattr(outage, "ATTEMPT_WITHIN_S", 60.0)
    client.get("/health/live")  # a server has one chain of middleware, and so one number of places for all

    def read(_: int) -> str:
        reader = Client(raise_request_exception=False)
        reader.handler, reader.cookies = client.handler, client.cookies
        try:
            answer = reader.get("/letters/")
            return "served" if answer.status_code == 200 else f"{answer.status_code}: {answer.content.decode()}"
        finally:
            close_old_connections()

    with ThreadPoolExecutor(50) as readers:
        assert set(readers.map(read, range(50))) == {"served"}
    assert outage.WATCH.down_since is None


def test_requests_never_hold_more_places_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "TURN_WITHIN_S", 0.2)
    turns = middleware.Turns(1)
    with turns.turn() as first, turns.turn() as second:
        assert (first, second) == (True, False)
    with turns.turn() as again:
        assert again


def test_who_waits_for_a_turn_hears_of_an_outage_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = outage.Watch()
    monkeypatch.setattr(outage, "WATCH", watch)
    inside, leave = threading.Event(), threading.Event()

    def view(request: HttpRequest) -> HttpResponse:
        inside.set()
        leave.wait(10)
        return HttpResponse()

    door = middleware.DatabaseDown(view)
    door.turns = middleware.Turns(1)
    with ThreadPoolExecutor(2) as threads:
        threads.submit(door, RequestFactory().get("/"))
        assert inside.wait(5)
        waiting = threads.submit(door, RequestFactory().get("/"))
        watch._down("gone")
        answer = waiting.result(timeout=2)
        leave.set()
    assert answer.status_code == 503
    assert "The database does not answer" in answer.content.decode()  # type: ignore[attr-defined]  # not a stream
