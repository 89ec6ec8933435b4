"""Every route of the API refuses what it does not know: keys, parameters, and bodies where it takes none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from outbox import queries
from reliability.console.domain.entrances import PEOPLE_ALONE
from reliability.kernel import clock
from reliability.urls import api as description
from tests.functional.api.conftest import Api

pytestmark = pytest.mark.django_db

SCHEMA = description.get_openapi_schema()


@pytest.fixture
def api() -> Api:
    return Api()


SAMPLES = {"uuid": "00000000-0000-0000-0000-000000000001"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, an address, description."""
    for path, methods in SCHEMA["paths"].items():
        for method, told in methods.items():
            address = path.removeprefix("/api/v1")
            for each in told.get("parameters", ()):
                sample = SAMPLES.get(each["schema"].get("format", ""), "1")
                address = address.replace(f"{{{each['name']}}}", sample)
            yield method.upper(), address, told


def objects_in(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schemas of objects with named keys that a body consists of."""
    if "$ref" in schema:
        yield from objects_in(SCHEMA["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "properties" in schema:
        yield schema
    for inner in (*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *schema.get("allOf", ())):
        yield from objects_in(inner)
    if isinstance(schema.get("items"), dict):
        yield from objects_in(schema["items"])


ALL = list(operations())
WITH_BODY = [(told["operationId"], told["requestBody"]) for _, _, told in ALL if "requestBody" in told]
TAKES_A_REFRESH_TOKEN = "/auth/refresh"  # who is there is told by that alone: see test_machines.py
WITHOUT_BODY = [
    (method, path)
    for method, path, told in ALL
    if method != "GET" and "requestBody" not in told and path != TAKES_A_REFRESH_TOKEN
]


FOR_PEOPLE = {(method, path) for method, path, told in ALL if told["operationId"] in PEOPLE_ALONE}


def ask(api: Api, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """With a token, or signed in where no token is taken."""
    if (method, path.partition("?")[0]) not in FOR_PEOPLE:
        return api(method, path, body)
    client = Client()
    client.force_login(get_user_model().objects.get(username="operator"))
    answer = client.generic(method, f"/api/v1{path}", json.dumps(body or {}), content_type="application/json")
    return answer.status_code, answer.json()


@pytest.mark.parametrize(("name", "body"), WITH_BODY, ids=[name for name, _ in WITH_BODY])
def test_a_body_takes_no_unknown_keys_and_its_description_says_so(name: str, body: dict[str, Any]) -> None:
    found = list(objects_in(body["content"]["application/json"]["schema"]))

    assert found
    assert {each["title"]: each.get("additionalProperties") for each in found} == {
        each["title"]: False for each in found
    }


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in ALL if method == "GET"])
def test_a_read_refuses_an_unknown_parameter_and_names_the_known_ones(api: Api, method: str, path: str) -> None:
    told = next(told for verb, address, told in ALL if (verb, address) == (method, path))
    known = sorted(each["name"] for each in told.get("parameters", ()) if each["in"] == "query")
    status, problem = ask(api, method, f"{path}?nonsense=1")

    assert (status, problem["code"]) == (422, "unknown-name")
    assert "“nonsense”" in problem["detail"]
    assert (
        f"Known are: {', '.join(known)}." in problem["detail"] if known else "takes no parameters" in problem["detail"]
    )


@pytest.mark.parametrize(("method", "path"), WITHOUT_BODY)
def test_a_body_is_refused_where_none_is_taken(api: Api, method: str, path: str) -> None:
    status, problem = ask(api, method, path, {"shards": [3]})

    assert (status, problem["code"]) == (422, "unknown-name"), problem
    assert "takes no body" in problem["detail"]


def test_a_misspelled_key_pauses_nothing(api: Api) -> None:
    status, problem = api("POST", "/outbox/pause", {"shard": [3], "reason": "upgrade"})

    assert (status, problem["code"]) == (422, "unknown-name")
    assert problem["detail"] == "There is no key “shard” here. Known are: reason, shards. Nothing was done."
    assert [row.id for row in queries.shards(clock.SYSTEM.now()) if row.paused_at] == []


def test_a_misspelled_parameter_resumes_nothing(api: Api) -> None:
    assert api("POST", "/outbox/pause", {"shards": [3, 5], "reason": "upgrade"})[0] == 200

    assert api("DELETE", "/outbox/pause?shard=3")[0] == 422
    assert api("DELETE", "/outbox/pause", {"shards": [3]})[0] == 422
    assert [row.id for row in queries.shards(clock.SYSTEM.now()) if row.paused_at] == [3, 5]


def test_an_inner_key_is_looked_at_too(api: Api) -> None:
    asked = {"scope": {"ids": [1]}, "target": {"kind": "topic", "topik": "orders"}}
    status, problem = api("POST", "/replay-plans", asked)

    assert (status, problem["code"]) == (422, "unknown-name")
    assert "“topik”" in problem["detail"]


def test_a_stranger_learns_no_names(api: Api) -> None:
    assert api("GET", "/outbox/parked?nonsense=1", who="")[0] == 401
    assert api("POST", "/outbox/pause", {"shard": [3]}, who="")[0] == 401
