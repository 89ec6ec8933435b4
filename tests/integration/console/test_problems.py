"""Errors of the API are problem documents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import Http404, HttpRequest
from django.test import RequestFactory
from django.urls import URLResolver
from django.urls.resolvers import RegexPattern
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError

from reliability.access import Denied
from reliability.console import problems
from reliability.kernel.errors import Refused, Transient
from reliability.kernel.telemetry import tracing


class Busy(Refused):
    """The run is not paused."""

    code = "not-paused"
    status = 409


class Body(Schema):
    """A body."""

    rate: int


@pytest.fixture(scope="module")
def api() -> NinjaAPI:
    found = NinjaAPI(urls_namespace="problems-test")
    problems.install(found)
    errors: dict[str, Exception] = {
        "refused": Busy(),
        "denied": Denied("letters.replay takes the role operator; ana has the role viewer."),
        "missing": Http404("There is no run 7."),
        "http": HttpError(400, "Cannot parse request body"),
        "down": Transient("Kafka does not answer."),
        "broken": ZeroDivisionError("a secret detail"),
    }

    @found.get("/errors/{name}")
    def fail(request: HttpRequest, name: str) -> None:
        raise errors[name]

    @found.post("/body")
    def body(request: HttpRequest, given: Body) -> None:
        return None

    return found


def ask(api: NinjaAPI, method: str, path: str, **values: Any) -> Any:
    view, args, kwargs = URLResolver(RegexPattern(r"^"), api.urls[0]).resolve(path)
    request = getattr(RequestFactory(), method)(f"/{path}", **values)
    with tracing.span("request"):
        return view(request, *args, **kwargs), tracing.current_trace_id()


@pytest.mark.parametrize(
    ("name", "status", "code", "detail"),
    [
        ("refused", 409, "not-paused", "The run is not paused."),
        ("denied", 403, "denied", "letters.replay takes the role operator; ana has the role viewer."),
        ("missing", 404, "not-found", "There is no run 7."),
        ("http", 400, "bad-request", "Cannot parse request body"),
        ("down", 503, "dependency-down", "Kafka does not answer."),
        ("broken", 500, "unexpected", "Something went wrong on our side."),
    ],
)
def test_each_error_says_what_happened(api: NinjaAPI, name: str, status: int, code: str, detail: str) -> None:
    answer, trace_id = ask(api, "get", f"errors/{name}")
    document = json.loads(answer.content)
    assert (answer.status_code, document["status"], document["code"]) == (status, status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert document["detail"].startswith(detail)
    assert document["trace_id"] == trace_id
    assert "secret" not in answer.content.decode()


def test_a_field_that_is_wrong_is_named_without_its_value(api: NinjaAPI) -> None:
    answer, _ = ask(api, "post", "body", data={"rate": "hunter2"}, content_type="application/json")
    text = answer.content.decode()
    assert answer.status_code == 422
    assert '"field":"body.given.rate"' in text
    assert "hunter2" not in text
