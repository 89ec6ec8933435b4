"""An order on its page and over the API: what every service and every room knows of it, and what is not known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import close_old_connections, connection
from django.test import Client

from reliability.access import Actor, Role, operations
from reliability.console import related
from reliability.console.domain.values import Part
from reliability.console.registry import REGISTRY, Related
from reliability.kernel import clock
from sagas.orders import models
from sagas.orders.domain.states import PaymentState
from tests.integration.orders.storing import NOW, NUMBER, stored
from tests.support import actors, outbox
from tests.support.letters import record, store

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = ["a\x00b", "1" * 201, "1" * 10_000, "a\u202eb", "\u200b", "%ff%00"]


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is stored; and a machine at work has time for an answer, where a test is not about being slow."""
    monkeypatch.setattr(related, "WITHIN_S", 10.0)
    outbox.empty()
    yield
    outbox.empty()


def signed_in(role: Role = Role.VIEWER, **more: Any) -> Client:
    client = Client()
    client.force_login(actors.account(role, name="vito", **more).user)
    return client


@pytest.fixture
def viewer() -> Client:
    return signed_in()


@pytest.fixture
def added() -> Iterator[Callable[..., None]]:
    """Registers a section for one test."""
    before = dict(REGISTRY.related["order"])

    def add(name: str, ask: Callable[[Actor, str, float], Sequence[Part]]) -> None:
        REGISTRY.register_related("order", Related(name=name, act="orders.view", ask=ask))

    yield add
    REGISTRY.related["order"].clear()
    REGISTRY.related["order"].update(before)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page waits as long as it says."""
    monkeypatch.undo()


def sleeping(actor: Actor, thing: str, within_s: float) -> Sequence[Part]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(20)")
    return []


def by_api(client: Client, path: str) -> tuple[int, Any]:
    answer = client.get(f"/api/v1/orders/{path}")
    return answer.status_code, answer.json()


def test_the_page_has_every_part_and_one_timeline(viewer: Client) -> None:
    stored()
    answer = viewer.get(f"/orders/{NUMBER}/")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Order ord-17 · Mainstay</title>" in text
    for told in ("mug-blue, 12.50 EUR", "card-ord-17", "340 g", "by road", "1 event", "1 letter"):
        assert told in text, told
    assert "orders.placed waits to be sent" in text
    assert "given up in billing" in text
    assert text.count('<p class="muted">none</p>') == 2, "no saga, no finding"


def test_the_api_says_the_same(viewer: Client) -> None:
    stored()
    status, found = by_api(viewer, NUMBER)
    assert status == 200
    assert (found["id"], found["complete"], found["limited"], found["older"]) == (NUMBER, True, False, 0)
    assert {each["name"]: each["state"] for each in found["sections"]} == {
        "Order": "ok",
        "Payments": "ok",
        "Stock": "ok",
        "Shipment": "ok",
        "Saga": "empty",
        "Findings": "empty",
        "Events": "ok",
        "Dead letters": "ok",
        "Acts": "empty",
    }
    order = found["sections"][0]["parts"][0]
    assert (order["title"], order["status"]) == ("mug-blue, 12.50 EUR", "ok")
    assert order["facts"][1:] == [{"name": "Pays through", "value": "card"}, {"name": "Goes to", "value": "DE"}]
    assert datetime.fromisoformat(order["facts"][0]["value"]) - NOW < timedelta(minutes=-4)
    assert [each["source"] for each in found["happened"]][-3:] == ["Stock", "Payments", "Order"]
    assert all(each["took_ms"] is not None for each in found["sections"])


def test_an_unknown_id_says_where_was_looked_and_what_to_check(viewer: Client) -> None:
    stored()
    answer = viewer.get("/orders/ord-1/")
    text = answer.content.decode()
    assert answer.status_code == 404
    assert "Nothing is known of an order of this id" in text
    assert "order, payments, stock, shipment, saga, findings, events, dead letters, acts" in text
    assert "data-reask" in text, "it asks again by itself"
    status, problem = by_api(viewer, "ord-1")
    assert (status, problem["code"]) == (404, "nothing-known")
    assert problem["detail"].endswith("Order, Payments, Stock, Shipment, Saga, Findings, Events, Dead letters, Acts.")


@pytest.mark.parametrize("thing", HOSTILE)
def test_what_is_no_id_is_refused_with_the_reason(viewer: Client, thing: str) -> None:
    answer = viewer.get(f"/orders/{thing}/")
    assert answer.status_code == 404
    assert "This is no id of an order" in answer.content.decode()
    status, problem = by_api(viewer, thing)
    assert (status, problem["code"]) == (404, "wrong-id")


@pytest.mark.parametrize("thing", ["a/b", "<b>x</b>", "שלום", "a%3Fb", "'; DROP TABLE x; --", "*", "%25"])
def test_a_strange_id_is_looked_for_as_it_stands(viewer: Client, thing: str) -> None:
    answer = viewer.get(f"/orders/{thing}/")
    assert answer.status_code == 404
    assert "Nothing is known of an order of this id" in answer.content.decode()
    assert "<b>x</b>" not in answer.content.decode()
    assert by_api(viewer, thing)[1]["code"] == "nothing-known"


@pytest.mark.usefixtures("impatient")
def test_a_slow_part_is_named_and_the_others_are_there(viewer: Client, added: Callable[..., None]) -> None:
    stored()
    added("Warehouse", sleeping)
    text = viewer.get(f"/orders/{NUMBER}/").content.decode()
    assert "Warehouse did not answer within 1.5 s." in text
    assert "1 of 10 did not answer" in text
    assert "card-ord-17" in text
    assert "Ask again" in text


@pytest.mark.usefixtures("impatient")
def test_while_a_part_is_slow_nobody_says_that_nothing_is_known(viewer: Client, added: Callable[..., None]) -> None:
    added("Warehouse", sleeping)
    answer = viewer.get("/orders/ord-1/")
    assert answer.status_code == 200
    assert "Nothing is known of it so far" in answer.content.decode()
    status, found = by_api(viewer, "ord-1")
    assert (status, found["complete"]) == (200, False)
    assert {each["state"] for each in found["sections"]} == {"empty", "slow"}


def test_a_broken_part_is_named_without_its_error(viewer: Client, added: Callable[..., None]) -> None:
    stored()

    def broken(actor: Actor, thing: str, within_s: float) -> Sequence[Part]:
        raise RuntimeError("password=hunter2")

    added("Warehouse", broken)
    text = viewer.get(f"/orders/{NUMBER}/").content.decode()
    assert "Warehouse could not be read" in text
    assert "hunter2" not in text


def test_something_may_be_known_of_an_order_that_there_is_not(viewer: Client) -> None:
    store(record(1, key=b"ord-404"))
    text = viewer.get("/orders/ord-404/").content.decode()
    assert "There is no order of this id." in text
    assert "1 letter" in text


def test_of_hidden_topics_the_page_tells_nothing() -> None:
    stored()
    store(record(2, key=b"ord-404"))
    client = signed_in(topics=("else",))
    text = client.get(f"/orders/{NUMBER}/").content.decode()
    assert "card-ord-17" in text
    assert "Events and letters of your topics only." in text
    assert "orders.placed" not in text
    assert "given up" not in text
    found, unknown = (client.get(f"/orders/{each}/") for each in ("ord-404", "ord-405"))
    assert found.status_code == unknown.status_code == 404
    assert found.content.decode().count("ord-404") == unknown.content.decode().count("ord-405")


def test_a_fragment_is_answered_only_when_something_changed(viewer: Client) -> None:
    stored()
    path, headers = f"/orders/{NUMBER}/", {"HX-Request": "true", "X-Region": "related"}
    first = viewer.get(path, headers=headers)
    assert first.status_code == 200
    assert b"<html" not in first.content
    known = first.headers["ETag"].strip('"')
    assert viewer.get(f"{path}?v={known}", headers=headers).status_code == 204
    models.Payment.objects.update(state=PaymentState.REFUNDED, refunded_cents=1250, refunded_at=NOW)
    assert b"Given back" in viewer.get(f"{path}?v={known}", headers=headers).content


def test_a_stranger_and_who_has_no_role_see_nothing() -> None:
    stored()
    assert Client().get(f"/orders/{NUMBER}/").status_code == 302
    assert Client().get(f"/api/v1/orders/{NUMBER}").status_code == 401


def test_a_token_reads_it_too() -> None:
    stored()
    made = operations.issue_token(
        account=actors.account(Role.VIEWER), name="x", life=timedelta(hours=1), now=clock.SYSTEM.now()
    )
    answer = Client().get(f"/api/v1/orders/{NUMBER}", headers={"Authorization": f"Bearer {made.secret}"})
    assert answer.status_code == 200


def test_the_search_finds_an_order_by_its_beginning(viewer: Client) -> None:
    stored()
    text = viewer.get("/search/?q=ord-1").content.decode()
    assert f'href="/orders/{NUMBER}/"' in text
    assert "mug-blue, 12.50 EUR" in text


def test_thirty_readers_at_once_are_all_told(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than there are connections, each asking nine rooms: they take turns, however slow the machine is."""
    monkeypatch.setattr(related, "WITHIN_S", 30.0)
    assert connection.pool is not None
    monkeypatch.setattr(connection.pool, "timeout", 30.0)
    stored()

    def read(_: int) -> tuple[int, bool]:
        reader = Client(raise_request_exception=False)
        reader.cookies = viewer.cookies
        try:
            status, found = by_api(reader, NUMBER)
            return status, found["complete"]
        finally:
            close_old_connections()

    with ThreadPoolExecutor(30) as readers:
        assert set(readers.map(read, range(30))) == {(200, True)}


def test_without_the_shop_the_rest_answers(viewer: Client, added: Callable[..., None]) -> None:
    for name in ("Order", "Payments", "Stock", "Shipment"):
        del REGISTRY.related["order"][name]
    store(record(1, key=NUMBER.encode()))
    answer = viewer.get(f"/orders/{NUMBER}/")
    assert answer.status_code == 200
    assert "There is no order" not in answer.content.decode(), "nobody owns orders here"
    assert viewer.get("/orders/ord-1/").status_code == 404
