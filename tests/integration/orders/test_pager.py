"""The demo's pager takes what the alerts room signed, once, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from reliability.alerts.senders.webhook import signature
from reliability.kernel.clock import SYSTEM
from sagas.orders import operations
from sagas.orders.models import PagerMessage

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "whsec_" + "s" * 32
TOLD = {"event": "trigger", "title": "payments is stuck", "url": "", "dedup_key": "k"}


@pytest.fixture(autouse=True)
def channel(settings) -> None:  # type: ignore[no-untyped-def]
    settings.ALERT_CHANNELS = {"demo-pager": {"kind": "webhook", "url": "http://127.0.0.1/", "secret": SECRET}}


def post(client: Client, body: bytes, *, number: str = "msg-1", late_s: int = 0, secret: str = SECRET) -> int:
    stamp = str(int(SYSTEM.now().timestamp()) - late_s)
    headers = {
        "webhook-id": number,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature(secret, number, stamp, body)}",
    }
    answer: Any = client.post("/demo/pager/", body, content_type="application/json", headers=headers)
    return int(answer.status_code)


def test_a_message_is_taken_once(client: Client) -> None:
    body = json.dumps(TOLD).encode()
    assert [post(client, body), post(client, body)] == [204, 204]
    assert PagerMessage.objects.get().title == "payments is stuck"


@pytest.mark.parametrize(
    ("wrong", "status"),
    [({"secret": "x" * 32}, 401), ({"late_s": 301}, 401), ({"late_s": -301}, 401), ({"number": "a\x00b"}, 401)],
)
def test_what_is_not_signed_by_us_or_is_old_is_not(client: Client, wrong: dict[str, Any], status: int) -> None:
    given = dict(wrong)
    if "\x00" in given.get("number", ""):
        assert client.post("/demo/pager/", b"{}", content_type="application/json").status_code == status
        return
    assert post(client, json.dumps(TOLD).encode(), **given) == status
    assert not PagerMessage.objects.exists()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"\xff", b'{"event": "x"}', json.dumps({**TOLD, "title": "a\x00"}).encode()]
)
def test_what_is_no_message_is_refused(client: Client, body: bytes) -> None:
    assert post(client, body) == 400
    assert not PagerMessage.objects.exists()


def test_it_keeps_the_newest() -> None:
    for number in range(operations.PAGER_KEPT + 20):
        operations.paged(number=f"m{number}", event="test", title="t", url="", dedup_key="k", now=SYSTEM.now())
    assert PagerMessage.objects.count() == operations.PAGER_KEPT


def test_its_page_shows_what_it_got(client: Client) -> None:
    from reliability.access import Role
    from tests.support import actors

    client.force_login(actors.account(Role.VIEWER, name="vito").user)
    assert "Silent so far" in client.get("/demo/").content.decode()
    post(client, json.dumps({**TOLD, "title": "<b>bold</b>"}).encode())
    page = client.get("/demo/").content.decode()
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
