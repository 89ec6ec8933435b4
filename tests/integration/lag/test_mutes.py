"""Mutes and alerts, on pages and over REST: who may, for how long, what is shown meanwhile."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from reliability.access import Role, operations
from reliability.audit.models import Entry
from reliability.kernel import clock
from reliability.lag.domain.values import Word
from reliability.lag.models import Alert, Group, Mute
from tests.support import actors, lag

pytestmark = pytest.mark.django_db


@pytest.fixture
def group() -> Group:
    made = lag.group(
        "payments",
        [lag.part(word=Word.STALL, lag=9), lag.part("stock", lag=1)],
        members=[lag.member()],
    )
    now = clock.SYSTEM.now()
    Alert.objects.create(group=made, kind="verdict", phase="raised", since=now, told=True, raised_at=now, text="STALL")
    return made


def page(role: Role, *topics: str) -> Client:
    client = Client()
    client.force_login(actors.account(role, name=f"{role}-{'-'.join(topics)}", topics=topics or ("*",)).user)
    return client


class Api:
    """The lag part of the API, as an account."""

    def __init__(self, role: Role, *topics: str) -> None:
        account = actors.account(role, name=f"api-{role}-{'-'.join(topics)}", topics=topics or ("*",))
        made = operations.issue_token(account=account, name="t", life=timedelta(hours=1), now=clock.SYSTEM.now())
        self._headers = {"Authorization": f"Bearer {made.secret}"}
        self._client = Client()

    def __call__(self, method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        answer = self._client.generic(method, f"/api/v1/lag/{path}", headers=self._headers, **sent)
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None


def test_a_press_mutes_and_another_ends_it(group: Group) -> None:
    ana, where = page(Role.OPERATOR), f"/lag/groups/{group.pk}/"
    assert f'href="{where}mute/"' in ana.get(where).content.decode()
    form = ana.get(f"{where}mute/").content.decode()
    assert "Mute the alerts of payments?" in form
    assert "curl" in form
    answer = ana.post(f"{where}mute/", {"minutes": "240", "reason": "known, being mended"}, follow=True)
    shown = answer.content.decode()
    assert "known, being mended" in shown
    assert "End the mute" in shown
    assert f'action="{where}mute/end/"' in shown
    until = Mute.objects.get().until - clock.SYSTEM.now()
    assert timedelta(minutes=239) < until <= timedelta(minutes=240)
    ended = ana.post(f"{where}mute/end/", follow=True).content.decode()
    assert "Not muted any more" in ended
    assert not Mute.objects.exists()
    assert [(each.act, each.outcome) for each in Entry.objects.order_by("seq")][-2:] == [
        ("lag.mute", "done"),
        ("lag.unmute", "done"),
    ]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"minutes": "60", "reason": " "}, 422),
        ({"minutes": "", "reason": "x"}, 422),
        ({"minutes": "61", "reason": "x"}, 422),
        ({"minutes": "-1", "reason": "x"}, 422),
        ({"minutes": "9" * 400, "reason": "x"}, 422),
        ({"minutes": "60", "reason": "a\x00b"}, 422),
        ({}, 422),
    ],
)
def test_what_cannot_be_is_said_where_the_reader_is(group: Group, sent: dict[str, str], status: int) -> None:
    answer = page(Role.OPERATOR).post(f"/lag/groups/{group.pk}/mute/", sent)
    assert answer.status_code == status
    assert b'role="alert"' in answer.content
    assert not Mute.objects.exists()


def test_a_viewer_and_who_sees_a_part_have_no_button_and_no_way(group: Group) -> None:
    where = f"/lag/groups/{group.pk}/"
    vito, some = page(Role.VIEWER), page(Role.OPERATOR, "stock")
    for client in (vito, some):
        assert b"mute/" not in client.get(where).content
        assert client.post(f"{where}mute/", {"minutes": "60", "reason": "x"}).status_code == 403
        assert client.post(f"{where}mute/end/").status_code == 403
    assert not Mute.objects.exists()


def test_who_sees_a_part_reads_neither_the_reason_nor_the_alert(group: Group) -> None:
    Api(Role.OPERATOR)("PUT", f"groups/{group.pk}/mute", {"minutes": 60, "reason": "of the secret topic"})
    some = Api(Role.VIEWER, "stock")
    shown = some("GET", f"groups/{group.pk}")
    assert (shown["mute"]["reason"], shown["alerts"]) == ("", [])
    assert some("GET", "alerts") == {"items": []}
    assert b"of the secret topic" not in page(Role.VIEWER, "stock").get(f"/lag/groups/{group.pk}/").content


def test_it_is_muted_over_rest_and_the_alerts_say_so(group: Group) -> None:
    api, path = Api(Role.OPERATOR), f"groups/{group.pk}/mute"
    (alert,) = api("GET", "alerts")["items"]
    assert (alert["group_name"], alert["kind"], alert["muted"]) == ("payments", "verdict", False)
    api("PUT", path, {"minutes": 60, "reason": "first"})
    made = api("PUT", path, {"minutes": 5, "reason": "second takes its place"})
    assert (made["reason"], Mute.objects.count()) == ("second takes its place", 1)
    assert api("GET", "alerts")["items"][0]["muted"] is True
    whole = api("GET", f"groups/{group.pk}")
    assert whole["mute"]["reason"] == "second takes its place"
    assert [each["text"] for each in whole["alerts"]] == ["STALL"]
    api("DELETE", path, status=204)
    api("DELETE", path, status=204)
    assert api("GET", f"groups/{group.pk}")["mute"] is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"minutes": 0, "reason": "x"}, 422),
        ({"minutes": 10_081, "reason": "x"}, 422),
        ({"minutes": "60", "reason": "x"}, 422),
        ({"minutes": 60, "reason": ""}, 422),
        ({"minutes": 60, "reason": "a\x00"}, 422),
        ({"minutes": 60, "reason": "x", "for": "ever"}, 422),
        ([], 422),
        (None, 422),
    ],
)
def test_a_body_that_is_none_mutes_nothing(group: Group, body: object, status: int) -> None:
    Api(Role.OPERATOR)("PUT", f"groups/{group.pk}/mute", body, status=status)
    assert not Mute.objects.exists()


def test_without_the_right_or_the_group_nothing_happens(group: Group) -> None:
    good = {"minutes": 60, "reason": "x"}
    viewer = Api(Role.VIEWER)
    viewer("PUT", f"groups/{group.pk}/mute", good, status=403)
    Api(Role.OPERATOR, "stock")("PUT", f"groups/{group.pk}/mute", good, status=403)
    Api(Role.OPERATOR, "else")("PUT", f"groups/{group.pk}/mute", good, status=404)
    Api(Role.OPERATOR)("PUT", f"groups/{group.pk + 1}/mute", good, status=404)
    viewer("DELETE", f"groups/{group.pk}/mute", status=403)
    assert not Mute.objects.exists()
