"""Without PostgreSQL every page answers within two seconds, and says so."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import psycopg_pool
import pytest
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from reliability.access import Role
from reliability.console import outage, request_log
from reliability.console.middleware import DatabaseDown
from reliability.kernel import lines
from tests.support import actors
from tests.support.network import refusing_port

HOW = pytest.mark.parametrize("how", ["refuses", "hangs"])


def signed_in() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(actors.account(Role.OPERATOR).user)
    client.get("/health/live")  # a server has imported its views before anybody asks
    return client


def took(client: Client, path: str, **headers: str) -> tuple[Any, float]:
    began = time.monotonic()
    answer = client.get(path, headers=headers)
    return answer, time.monotonic() - began


@HOW
def test_a_page_says_since_when_and_asks_again_by_itself(unplugged: Any, how: str) -> None:
    client = signed_in()
    with unplugged(how):
        for path in ("/", "/activity/", "/settings/", "/orders/ord-17/"):
            answer, seconds = took(client, path)
            assert seconds < 2
            assert answer.status_code == 503
            text = answer.content.decode()
            assert "The database does not answer" in text
            assert "since" in text
            assert answer.headers["Refresh"]
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@HOW
def test_once_known_it_costs_no_time(unplugged: Any, how: str) -> None:
    client = signed_in()
    with unplugged(how):
        took(client, "/")
        assert all(took(client, "/")[1] < 0.2 for _ in range(5))


def test_fragments_and_the_api_get_a_bare_503(unplugged: Any) -> None:
    client = signed_in()
    with unplugged("refuses"):
        fragment, _ = took(client, "/", **{"HX-Request": "true"})
        versions, _ = took(client, "/live/versions?topics=letters")
        api, _ = took(client, "/api/v1/overview")
    assert (fragment.status_code, versions.status_code, api.status_code) == (503, 503, 503)
    assert b"<html" not in fragment.content
    assert api.headers["Content-Type"] == "application/problem+json"
    assert api.json()["code"] == "database-down"
    assert api.headers["Retry-After"] == "5"


def test_the_log_calls_it_no_error_of_ours(unplugged: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The first request finds it out; its own errors are still told with where they were."""
    client = signed_in()
    with unplugged("refuses"):
        answer, _ = took(client, "/activity/")
    assert answer.status_code == 503
    told = [record for record in caplog.records if "request_without_database" in str(record.msg)]
    assert [record.levelname for record in told] == ["WARNING"]
    assert "/activity/" in str(told[0].msg)
    assert "pool.py:" in str(told[0].msg), "where it came from"
    from_django = [record for record in caplog.records if record.name == request_log.LOGGER]
    assert [(record.levelname, record.getMessage()) for record in from_django] == [
        ("WARNING", "Service Unavailable: /activity/")
    ]
    get, post = RequestFactory().get("/activity/"), RequestFactory().post("/activity/")
    health = RequestFactory().get("/health/ready")
    lost, ours = psycopg.OperationalError("lost"), ValueError("ours")
    for error, request in ((ours, get), (lost, post), (lost, health)):
        logging.getLogger(request_log.LOGGER).error("failed", exc_info=error, extra={"request": request})
        assert (caplog.records[-1].name, caplog.records[-1].levelname) == (request_log.LOGGER, "ERROR")


def test_the_api_notices_by_itself(unplugged: Any) -> None:
    client = signed_in()
    with unplugged("refuses"):
        api, _ = took(client, "/api/v1/overview")
    assert (api.status_code, api.json()["code"]) == (503, "database-down")


def test_pages_come_back_by_themselves(unplugged: Any) -> None:
    client = signed_in()
    with unplugged("refuses"):
        assert took(client, "/settings/")[0].status_code == 503
    deadline = time.monotonic() + 5
    while outage.WATCH.down_since is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert took(client, "/settings/")[0].status_code == 200


def test_health_says_which_part_is_missing(unplugged: Any) -> None:
    client = Client()
    with unplugged("refuses"):
        live, _ = took(client, "/health/live")
        ready, seconds = took(client, "/health/ready")
    assert live.status_code == 200
    assert ready.status_code == 503
    assert ready.json()["parts"]["database"] == "down"
    assert seconds < 4


def test_metrics_show_what_there_is_and_that_figures_are_missing(unplugged: Any) -> None:
    with unplugged("refuses"):
        answer, _ = took(Client(), "/metrics")
    assert answer.status_code == 200
    assert "mainstay_figures_unread" in answer.content.decode()
    assert "mainstay_figures_unread 0.0" not in answer.content.decode()


def test_who_waits_on_a_connection_is_answered_when_it_is_cut(transactional_db: None) -> None:
    """As when PostgreSQL hangs in the middle of a statement; the next question has a connection of its own."""
    connection.ensure_connection()
    timer = threading.Timer(0.3, lines.cut)
    timer.start()
    began = time.monotonic()
    try:
        with pytest.raises(OperationalError) as caught, connection.cursor() as cursor:
            cursor.execute("select pg_sleep(5)")
    finally:
        connection.close()
        timer.join()  # it may have others to cut after this one
    assert time.monotonic() - began < 4
    assert outage.no_connection(caught.value)
    with connection.cursor() as cursor:
        cursor.execute("select 1")
        assert cursor.fetchone() == (1,)


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., HttpResponse]:
    """What somebody is answered whose view failed like that; ``came_back``: the database answers again by then."""

    def answered(request: HttpRequest, fails: Callable[[], object], *, came_back: bool = False) -> HttpResponse:
        def view(request: HttpRequest) -> HttpResponse:
            try:
                fails()
            except (OperationalError, psycopg.Error) as error:
                request.failed_with = error  # type: ignore[attr-defined]  # as the signal does
            return HttpResponse(status=500)

        connection.close()
        monkeypatch.setattr(outage, "WATCH", outage.Watch(watched=True))
        monkeypatch.setattr(outage.Watch, "_try_to_connect", lambda watch: "" if came_back else "refused")
        response = DatabaseDown(view)(request)
        assert isinstance(response, HttpResponse)
        return response

    return answered


def no_connection() -> None:
    raise psycopg_pool.PoolTimeout


def lost_while_asking() -> None:
    connection.ensure_connection()
    raise psycopg.OperationalError("server closed the connection")


def lost_at_commit() -> None:
    """Django asks for a connection anew after that, and what it raises is that it got none."""
    kept = connection.settings_dict["PORT"]
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select 1")
            connection.close_pool()
            connection.settings_dict["PORT"] = str(refusing_port())
            assert lines.cut()
    finally:
        connection.close()
        connection.close_pool()
        connection.settings_dict["PORT"] = kept


def test_an_act_that_never_had_a_connection_was_not_done(answer: Callable[..., HttpResponse]) -> None:
    ask = RequestFactory()
    api = json.loads(answer(ask.post("/api/v1/x"), no_connection).content)
    assert (api["code"], "Nothing was done" in api["detail"]) == ("database-down", True)
    page = answer(ask.post("/x/", headers={"Referer": "http://testserver/letters/"}), no_connection)
    assert "Nothing was done" in page.content.decode()
    assert 'href="/letters/"' in page.content.decode()
    assert "Refresh" not in page.headers  # nobody repeats an act by itself
    busy = answer(ask.post("/api/v1/x"), no_connection, came_back=True)
    assert json.loads(busy.content)["code"] == "busy"


@pytest.mark.parametrize("came_back", [False, True])
@pytest.mark.parametrize("fails", [lost_while_asking, lost_at_commit])
def test_an_act_that_was_begun_is_not_said_to_be_undone(
    transactional_db: None, answer: Callable[..., HttpResponse], fails: Callable[[], None], came_back: bool
) -> None:
    ask = RequestFactory()
    told = answer(ask.post("/api/v1/x"), fails, came_back=came_back)
    api = json.loads(told.content)
    assert (api["code"], "look at the thing itself" in api["detail"]) == ("outcome-unknown", True)
    assert "Retry-After" not in told.headers  # there are clients that repeat by themselves
    page = answer(ask.post("/x/", headers={"Referer": "http://testserver/letters/"}), fails, came_back=came_back)
    assert "Nobody knows yet" in page.content.decode()
    assert 'href="/activity/"' in page.content.decode()
    assert "Refresh" not in page.headers
    if not came_back:
        assert json.loads(answer(ask.get("/api/v1/x"), fails).content)["code"] == "database-down"
