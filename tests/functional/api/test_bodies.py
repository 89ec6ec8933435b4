"""Whatever is sent to the API is answered, and never with "something went wrong on our side"."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reliability.urls import api as description
from tests.functional.api.conftest import Api
from tests.support.actors import account
from tests.support.replays import World

FIELDS = (
    *("scope", "reason", "expected", "rate", "target", "failed_limit", "include", "plan", "hash", "group", "shards"),
    *("ids", "filter", "failed_of", "kind", "topic", "switch", "on", "covers", "of", "minutes", "rule", "version"),
)
NUMBERS = (0, 1, -1, 2**31, 2**63, 2**64, 10**400, -(10**400), 0.5, -0.0, 1e-320, 1e308, float("inf"), float("nan"))
TEXTS = (
    "",
    "x",
    "origin",
    "group",
    "key:k1",
    "\x00",
    "a\x00b",
    "\ud800",
    "key:\udfff",
    "(" * 50,
    "x" * 3_000,
    "json.:",
)

leaves = st.one_of(
    st.none(), st.booleans(), st.sampled_from(NUMBERS), st.integers(), st.sampled_from(TEXTS), st.text(max_size=8)
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3),
    max_leaves=6,
)
documents = st.dictionaries(st.sampled_from(FIELDS), values, max_size=6) | values
# What a good request looks like, with one thing in it replaced: so that something gets through to where it is used.
GOOD: dict[str, dict[str, Any]] = {
    "/replay-plans": {"scope": {"filter": "key:k1"}, "rate": 5, "failed_limit": 0.2, "include": [], "target": "origin"},
    "/replays": {"plan": 1, "hash": "x", "reason": "because"},
    "/discards": {"scope": {"filter": "key:none"}, "reason": "because", "expected": 3},
    "/replays/1/rate": {"rate": 5},
    "/replays/1/consumer-group": {"group": "billing", "reason": "because"},
    "/outbox/pause": {"shards": [1], "reason": "because"},
    "/alerts/mutes": {"covers": "things", "of": "lag:*", "minutes": 5, "reason": "because"},
    "/alerts/incidents/1/acknowledge": {"reason": "because"},
    "/alerts/rules/preview": {"rule": {"rooms": ["lag"], "raise_after_s": 5}},
}


def entrances() -> list[tuple[str, str]]:
    """Every route that changes something: method and path."""
    schema = description.get_openapi_schema()
    return [
        (method.upper(), re.sub(r"\{(replay_id|discard_id|number)\}", "1", path.removeprefix("/api/v1")))
        for path, methods in schema["paths"].items()
        for method in methods
        if method != "get"
    ]


def body_of(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=True).encode()


@pytest.fixture
def send(api: Api, world: World) -> Any:
    """Send bytes as an operator; return the status of an answer that must be JSON."""
    world.letters(3)
    client = Client(raise_request_exception=False)
    headers = {"Authorization": f"Bearer {api.tokens['operator']}"}

    def sent(method: str, path: str, body: bytes) -> int:
        answer = client.generic(method, f"/api/v1{path}", body, content_type="application/json", headers=headers)
        assert answer.headers["Content-Type"].startswith("application/"), answer.headers["Content-Type"]
        json.loads(answer.content)
        return answer.status_code

    return sent


def test_the_entrances_are_all_here() -> None:
    assert {path for _, path in entrances()} >= {*GOOD, "/replays/1/pause", "/discards/1"}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=documents)
def test_no_document_breaks_an_entrance(send: Any, document: Any) -> None:
    for method, path in entrances():
        assert send(method, path, body_of(document)) < 500, (method, path)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), odd=values)
def test_no_value_in_an_otherwise_good_document_breaks_an_entrance(send: Any, data: Any, odd: Any) -> None:
    path = data.draw(st.sampled_from(sorted(GOOD)))
    field = data.draw(st.sampled_from(sorted(GOOD[path])))
    scoped = field == "scope" and data.draw(st.booleans())
    wrong = {data.draw(st.sampled_from(["ids", "group", "filter", "failed_of"])): odd} if scoped else odd
    method = "PUT" if path.startswith("/replays/1") else "POST"
    assert send(method, path, body_of({**GOOD[path], field: wrong})) < 500


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=60) | st.sampled_from([b"[" * 50_000, b'{"a":' * 5_000, b"\xef\xbb\xbf{}", b"1" * 9_999])
)
def test_no_bytes_break_an_entrance(send: Any, body: bytes) -> None:
    assert send("POST", "/discards", body) < 500
    assert send("PUT", "/replays/1/rate", body) < 500


@pytest.mark.parametrize("text", ["\ud800", "key:\udfff", "a\x00b"])
def test_a_filter_that_no_text_can_be_is_refused(api: Api, world: World, text: str) -> None:
    for path, more in (("/replay-plans", {}), ("/discards", {"reason": "x"})):
        status, problem = api("POST", path, {"scope": {"filter": text}, **more})
        assert status in (400, 422)
        assert problem["detail"]


def test_a_body_that_is_too_large_is_said_to_be(api: Api) -> None:
    status, problem = api("POST", "/discards", {"reason": "x" * 3_000_000})
    assert (status, problem["code"]) == (413, "too-large")


HOSTILE = ("\x00", "a\x00", "[" * 60_000, '{"filter": "\\ud800"}', '{"ids": [1e400]}', '{"group": ' + "9" * 5_000 + "}")


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_no_field_of_a_form_breaks_a_page(world: World, text: str) -> None:
    world.letters(1)
    client = Client(raise_request_exception=False)
    client.force_login(account(name="ana").user)
    forms: list[tuple[str, dict[str, str]]] = [
        ("/replays/plans/", {"scope": text}),
        ("/replays/plans/", {"all": "1", "q": text}),
        ("/replays/plans/", {"letter": text}),
        ("/replays/plans/", {"all": "1", "q": "", "target": "topic", "topic": text, "rate": "5"}),
        ("/replays/plans/", {"all": "1", "q": "", "rate": text, "failed_limit": text, "include": text}),
        ("/replays/", {"plan": "1", "hash": text, "reason": text}),
        ("/discards/", {"scope": text, "reason": "x"}),
        ("/discards/", {"all": "1", "q": "key:none", "reason": text, "expected": text}),
        ("/replays/1/consumer-group/", {"group": text, "reason": text}),
        ("/replays/1/rate/", {"rate": text}),
        ("/settings/tokens/", {"name": text, "days": text, "role": text}),
    ]
    for path, fields in forms:
        assert client.post(path, fields).status_code < 500, (path, fields)
    for path in ("/letters/", "/letters/all/", "/replays/", "/activity/", "/outbox/", "/search/", "/replays/plan/"):
        asked = dict.fromkeys(
            ("q", "cursor", "before", "after", "letter", "scope", "state", "tab", "as", "actor"), text
        )
        assert client.get(path, {name: value[:2_000] for name, value in asked.items()}).status_code < 500, path
