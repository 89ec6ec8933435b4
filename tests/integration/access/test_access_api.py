"""Tokens and sessions over REST and by command."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from reliability.access import Role
from reliability.access.models import ApiToken, BrowserSession
from reliability.audit.models import Entry
from tests.support.actors import account

pytestmark = pytest.mark.django_db(transaction=True)


def signed_in(role: Role = Role.OPERATOR, *, name: str = "ana") -> Client:
    client = Client()
    client.force_login(account(role, name=name).user)
    return client


def send(client: Client, method: str, path: str, body: object = None) -> tuple[int, Any]:
    data = "" if body is None else json.dumps(body)
    answer = client.generic(method, f"/api/v1{path}", data, content_type="application/json")
    return answer.status_code, answer.json()


def test_a_token_is_made_bounded_shown_once_listed_and_revoked() -> None:
    ana = signed_in()
    asked = {"name": "ci", "role": "viewer", "topics": ["orders*"], "acts": ["letters.view"], "days": 3}
    status, made = send(ana, "POST", "/tokens", asked)
    assert status == 201
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert Client().get("/api/v1/letters", headers=bearer).status_code == 200
    assert Client().get("/api/v1/outbox/shards", headers=bearer).status_code == 403
    [listed] = send(ana, "GET", "/tokens")[1]["items"]
    assert (listed["name"], listed["topics"], listed["acts"]) == ("ci", ["orders*"], ["letters.view"])
    assert "token" not in listed
    assert listed["last_used_at"] is not None

    assert send(ana, "DELETE", f"/tokens/{made['id']}")[0] == 200
    assert Client().get("/api/v1/letters", headers=bearer).status_code == 401
    assert send(ana, "DELETE", f"/tokens/{made['id']}")[0] == 404
    assert made["token"] not in repr(list(Entry.objects.values()))


@pytest.mark.parametrize(
    "asked",
    [
        {"name": ""},
        {"name": "x" * 81},
        {"name": "a\x00b"},
        {"name": "a\u202eb"},
        {"name": "x", "role": "admin"},
        {"name": "x", "role": "root"},
        {"name": "x", "topics": ["a|b"]},
        {"name": "x", "acts": []},
        {"name": "x", "acts": ["nothing.at_all"]},
        {"name": "x", "days": 0},
        {"name": "x", "days": 99999},
        {"name": "x", "rolle": "viewer"},
    ],
    ids=repr,
)
def test_what_makes_no_sense_makes_no_token(asked: dict[str, Any]) -> None:
    assert send(signed_in(), "POST", "/tokens", asked)[0] == 422
    assert not ApiToken.objects.exists()


def test_only_an_admin_makes_lists_and_revokes_those_of_others() -> None:
    ana, ada = signed_in(), signed_in(Role.ADMIN, name="ada")
    assert send(ana, "POST", "/tokens", {"name": "x", "account": "ada"})[0] == 403
    status, made = send(ada, "POST", "/tokens", {"name": "x", "account": "ana"})
    assert (status, made["account"], made["role"]) == (201, "ana", "operator")
    assert send(ana, "GET", "/tokens?all=true")[0] == 403
    assert len(send(ada, "GET", "/tokens?all=true")[1]["items"]) == 1
    own = send(ada, "POST", "/tokens", {"name": "own"})[1]
    assert send(ana, "DELETE", f"/tokens/{own['id']}")[0] == 404
    assert send(ada, "DELETE", f"/tokens/{made['id']}")[0] == 200
    assert send(ada, "DELETE", "/tokens/99999999999999999999")[0] in (404, 422)


def test_sessions_are_listed_and_ended() -> None:
    ana = signed_in()
    ana.get("/")
    other = Client()
    other.force_login(ana.get("/").wsgi_request.user)
    other.get("/")
    items = send(ana, "GET", "/sessions")[1]["items"]
    assert [each["is_this"] for each in items] == [True, False]

    assert send(ana, "DELETE", f"/sessions/{items[1]['id']}") == (200, {"ended": 1})
    assert send(other, "GET", "/sessions")[0] == 401
    assert send(ana, "DELETE", f"/sessions/{items[1]['id']}")[0] == 404


def test_an_admin_ends_all_of_an_account_by_rest_and_by_command() -> None:
    ana, ada = signed_in(), signed_in(Role.ADMIN, name="ada")
    ana.get("/")
    assert send(ana, "DELETE", "/accounts/ada/sessions")[0] == 403
    assert send(ada, "DELETE", "/accounts/ana/sessions") == (200, {"ended": 1})
    assert send(ada, "DELETE", "/accounts/nobody/sessions")[0] == 404
    out = StringIO()
    call_command("end_sessions", "--username", "ada", stdout=out)
    assert out.getvalue() == "ada: 1 session ended\n"
    assert not BrowserSession.objects.exists()


def test_tokens_are_listed_and_revoked_by_command() -> None:
    ana = signed_in()
    made = send(ana, "POST", "/tokens", {"name": "ci"})[1]
    out = StringIO()
    call_command("tokens", "list", "--username", "ana", stdout=out)
    assert "ana/ci" in out.getvalue()
    assert made["token"] not in out.getvalue()
    call_command("tokens", "revoke", str(made["id"]), stdout=out)
    with pytest.raises(CommandError, match="no such token"):
        call_command("tokens", "revoke", str(made["id"]))
    assert Entry.objects.filter(act="tokens.manage", outcome="done").count() == 1
