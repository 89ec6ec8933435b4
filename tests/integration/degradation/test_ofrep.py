"""OFREP as its contract says it, and as the real client of PyPI reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from openfeature import api as openfeature
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from reliability.access import Role, operations
from reliability.degradation import registry
from reliability.degradation.models import Flag
from reliability.degradation.ofrep import door
from reliability.kernel.clock import SYSTEM
from tests.integration.degradation.test_levels import setting
from tests.support import actors

pytestmark = pytest.mark.django_db(transaction=True)
ONE, EVERY = "/ofrep/v1/evaluate/flags/recommendations", "/ofrep/v1/evaluate/flags"


@pytest.fixture(autouse=True)
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An agent that knows nothing yet, and a door that knows no token."""
    monkeypatch.setattr(registry, "_agent", None)
    door.forget()
    yield
    registry.agent().stop()


def token(role: Role = Role.VIEWER, *, name: str = "shop", acts: tuple[str, ...] | None = (door.ACT,)) -> str:
    account = actors.account(role, name=f"of-{name}")
    made = operations.issue_token(account=account, name=name, acts=acts, life=timedelta(hours=1), now=SYSTEM.now())
    return made.secret


class Ofrep:
    """A client with a token in one of its headers."""

    def __init__(self, secret: str, header: str = "Authorization") -> None:
        self.headers = {header: f"Bearer {secret}" if header == "Authorization" else secret}
        self.client = Client(enforce_csrf_checks=True)

    def __call__(self, path: str, body: object = None, **headers: str) -> Any:
        sent = body if isinstance(body, bytes) else json.dumps(body if body is not None else {}).encode()
        return self.client.post(path, sent, content_type="application/json", headers={**self.headers, **headers})


@pytest.fixture
def ask(flag: Flag) -> Ofrep:
    return Ofrep(token())


def heard(level: int) -> None:
    """Wait until this process has heard of a level."""
    ends = SYSTEM.monotonic() + 3
    while SYSTEM.monotonic() < ends:
        snapshot = registry.agent().known()
        if snapshot and snapshot.flags["recommendations"].standing(SYSTEM.now()).level == level:
            return
        SYSTEM.sleep(0.01)
    raise AssertionError("not heard")


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_one_flag_with_all_that_clients_insist_on(flag: Flag, header: str) -> None:
    setting(flag, 1)
    answer = Ofrep(token(), header)(ONE, {"context": {"targetingKey": "user-1", "plan": "gold"}})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    document = answer.json()
    metadata = document.pop("metadata")
    assert document == {"key": "recommendations", "value": 1, "reason": "STATIC", "variant": "popular"}
    assert metadata["degraded"] is True
    assert metadata["loses"] == "Everybody sees what is popular."
    assert metadata["decides"] == "operator"
    assert all(isinstance(value, str | int | bool) for value in metadata.values()), "nested ones are dropped by clients"
    assert b"ana" not in answer.content
    assert b"payments are slow" not in answer.content, "who and why stays inside"


def test_all_flags_with_a_tag_until_something_changes(ask: Ofrep, flag: Flag) -> None:
    first = ask(EVERY)
    assert [each["key"] for each in first.json()["flags"]] == ["checkout", "recommendations"]
    tag = first["ETag"]
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        same = ask(EVERY, **{"If-None-Match": given})
        assert (same.status_code, same.content, same["ETag"]) == (304, b"", tag)
    setting(flag, 2)
    heard(2)
    changed = ask(EVERY, **{"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed["ETag"] != tag
    assert changed.json()["flags"][1]["value"] == 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "PARSE_ERROR"),
        (b"{", "PARSE_ERROR"),
        (b"\xff\xfe", "PARSE_ERROR"),
        (b"NaN", "PARSE_ERROR"),
        (b"[" * 100_000, "PARSE_ERROR"),
        ([], "PARSE_ERROR"),
        ("x", "PARSE_ERROR"),
        (1, "PARSE_ERROR"),
        ({"context": []}, "INVALID_CONTEXT"),
        ({"context": "x"}, "INVALID_CONTEXT"),
        ({"context": {"targetingKey": 1}}, "INVALID_CONTEXT"),
        ({"context": {"targetingKey": ["x"]}}, "INVALID_CONTEXT"),
    ],
)
def test_a_malformed_body_is_answered_as_the_contract_says(ask: Ofrep, body: object, code: str) -> None:
    for path, keys in ((ONE, {"key", "errorCode", "errorDetails"}), (EVERY, {"errorCode", "errorDetails"})):
        answer = ask(path, body)
        assert answer.status_code == 400
        assert answer.json().keys() == keys
        assert answer.json()["errorCode"] == code


@pytest.mark.parametrize(
    "body", [{}, {"context": None}, {"context": {}}, {"context": {"targetingKey": None}}, {"more": [1]}]
)
def test_a_body_without_what_levels_do_not_need_is_none_the_worse(ask: Ofrep, body: object) -> None:
    assert ask(ONE, body).status_code == ask(EVERY, body).status_code == 200


@pytest.mark.parametrize("key", ["nothing", "a%20b", "a/b", "%F0%9F%98%80", "x" * 5_000, "%00", "%E2%80%AE"])
def test_a_flag_that_there_is_not(ask: Ofrep, key: str) -> None:
    answer = ask(f"/ofrep/v1/evaluate/flags/{key}")
    assert answer.status_code == 404
    document = answer.json()
    assert document.keys() == {"key", "errorCode", "errorDetails"}
    assert document["errorCode"] == "FLAG_NOT_FOUND"
    assert document["key"].isprintable()


def test_keys_may_be_percent_encoded(ask: Ofrep) -> None:
    assert ask(ONE.replace("recommendations", "%72ecommendations")).json()["key"] == "recommendations"


def test_whoever_has_no_right_reads_nothing(flag: Flag) -> None:
    for secret in ("", "mst_wrong", "nonsense"):
        answer = Ofrep(secret)(ONE)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
    other = Ofrep(token(name="other", acts=("letters.view",)))(EVERY)
    assert other.status_code == 403
    assert "letters.view alone" in other.json()["errorDetails"]
    session = Client()
    session.force_login(actors.account(Role.ADMIN, name="ada").user)
    assert session.post(ONE, b"{}", content_type="application/json").status_code == 401, "no cookie opens it"


def test_a_token_for_flags_alone_opens_nothing_else(flag: Flag) -> None:
    headers = {"Authorization": f"Bearer {token(Role.ADMIN)}"}
    assert Client().get("/api/v1/overview", headers=headers).status_code == 403
    assert Client().get("/api/v1/letters", headers=headers).status_code == 403
    whole = {"Authorization": f"Bearer {token(Role.ADMIN, name='all', acts=None)}"}
    assert Client().get("/api/v1/overview", headers=whole).status_code == 200
    account = actors.account(name="cy")
    for acts in (("nothing.known",), ()):
        with pytest.raises(operations.BadToken, match="is no act"):
            operations.issue_token(account=account, name="x", acts=acts, life=timedelta(hours=1), now=SYSTEM.now())


def test_while_the_database_is_down_known_tokens_stay_known(ask: Ofrep, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(ONE).status_code == 200
    monkeypatch.setattr(door, "KNOWN_FOR_S", 0.0)

    def down(*_: object, **__: object) -> None:
        raise OperationalError("down")

    monkeypatch.setattr(door.queries, "valid_token", down)
    assert ask(ONE).status_code == 200
    unknown = Ofrep("mst_" + "x" * 43)(ONE)
    assert (unknown.status_code, unknown.json().keys()) == (500, {"errorDetails"})


def test_a_revoked_token_is_refused_within_seconds(ask: Ofrep, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(ONE).status_code == 200
    monkeypatch.setattr(door, "KNOWN_FOR_S", 0.0)
    from reliability.access.models import ApiToken

    operations.revoke_token(token_id=ApiToken.objects.get().pk, now=SYSTEM.now())
    assert ask(ONE).status_code == 401


@pytest.mark.parametrize("method", ["get", "put", "delete", "options"])
def test_another_method_is_said_which(ask: Ofrep, method: str) -> None:
    answer = getattr(ask.client, method)(ONE, headers=ask.headers)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_pages_of_other_sites_are_let_in_only_by_name(ask: Ofrep, settings: Any) -> None:
    shop = {"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"}
    assert "Access-Control-Allow-Origin" not in ask(EVERY, **shop).headers
    settings.OFREP_ORIGINS = ["https://shop.example"]
    allowed = ask(EVERY, **shop)
    assert allowed["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "ETag" in allowed["Access-Control-Expose-Headers"]
    assert "Origin" in allowed["Vary"]
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    first = ask.client.options(EVERY, headers={**shop, **asked})
    assert (first.status_code, first["Access-Control-Allow-Methods"]) == (204, "POST")
    assert "Authorization" in first["Access-Control-Allow-Headers"]
    other = ask(EVERY, **{**shop, "Origin": "https://shop.example.evil"})
    assert "Access-Control-Allow-Origin" not in other.headers
    assert "Origin" in other["Vary"]


def test_while_nothing_is_known_it_says_so(ask: Ofrep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry.agent(), "known", lambda: None)
    for path in (ONE, EVERY):
        answer = ask(path)
        assert (answer.status_code, answer.json().keys()) == (500, {"errorDetails"})


def test_the_client_of_pypi_reads_levels_and_errors(flag: Flag, live_server: Any) -> None:
    secret = token()
    provider = OFREPProvider(live_server.url, headers_factory=lambda: {"Authorization": f"Bearer {secret}"})
    openfeature.set_provider(provider, domain="ofrep")
    client, context = openfeature.get_client(domain="ofrep"), EvaluationContext("user-1", {"plan": "gold"})
    setting(flag, 2)
    heard(2)
    found = client.get_integer_details("recommendations", 0, context)
    assert (found.value, found.variant, found.reason, found.error_code) == (2, "off", Reason.STATIC, None)
    assert found.flag_metadata["loses"] == "No recommendations are shown."
    assert client.get_integer_value("checkout", 7) == 0
    assert client.get_integer_details("nothing", 7).error_code is ErrorCode.FLAG_NOT_FOUND
    assert client.get_string_details("recommendations", "x").error_code is ErrorCode.TYPE_MISMATCH
    provider.headers_factory = lambda: {"Authorization": "Bearer mst_wrong"}
    refused = client.get_integer_details("recommendations", 7)
    assert (refused.value, refused.error_code) == (7, ErrorCode.GENERAL)
    provider.session.close()
