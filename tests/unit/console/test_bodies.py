"""What a request may carry: a size, and JSON that means one thing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from django.test import RequestFactory

from reliability.console import bodies
from reliability.console.bodies import BadBody, StrictJson

FACTORY = RequestFactory()


def parsed(body: bytes) -> Any:
    return StrictJson().parse_body(FACTORY.post("/api/v1/discards", body, content_type="application/json"))


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"{", "not JSON"),
        (b'{"a": 1, "a": 2}', "a key twice"),
        (b'{"a": {"b": 1, "b": 1}}', "a key twice"),
        (b'{"a": "\\ud800"}', "half a character"),
        (b'{"\\udfff": 1}', "half a character"),
        (b'{"a": NaN}', "NaN is no number"),
        (b"[" * 100_000, "nested too deeply"),
        (b"9" * 10_000, "not JSON"),
    ],
)
def test_it_refuses_what_is_not_json_with_one_meaning(body: bytes, what: str) -> None:
    with pytest.raises(BadBody, match=what):
        parsed(body)


def test_it_reads_json_as_it_is() -> None:
    assert parsed('{"a": ["\\ud83d\\ude00", "ä", 1e3, null]}'.encode()) == {"a": ["😀", "ä", 1000.0, None]}


def answered(path: str, chunks: list[bytes], *headers: tuple[bytes, bytes]) -> tuple[int, dict[str, str], bytes]:
    """Send a request to an application behind the limit that answers 200 once it has read the body."""
    sent: list[dict[str, Any]] = []
    waiting = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})

    async def application(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"fine"})

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "path": path, "headers": list(headers)}
    asyncio.run(bodies.within_limit(application)(scope, receive, send))
    start, body = sent
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, body["body"]


def test_a_body_that_says_it_is_too_large_is_refused_unread() -> None:
    length = (b"content-length", str(bodies.most_bytes() + 1).encode())
    status, headers, body = answered("/api/v1/discards", [], length)
    assert (status, headers["content-type"]) == (413, "application/problem+json")
    assert json.loads(body)["detail"] == "A request has at most 2,621,440 bytes. Nothing was done; send less at a time."
    status, headers, body = answered("/discards/", [], length)
    assert (status, headers["content-type"]) == (413, "text/html; charset=utf-8")
    assert b"A request has at most 2,621,440 bytes" in body
    status, headers, body = answered("/discards/", [], length, (b"hx-request", b"true"))
    assert (status, headers["content-type"]) == (413, "text/plain; charset=utf-8")


def test_a_body_that_does_not_say_its_size_is_read_up_to_the_limit() -> None:
    whole = [b"x" * 1_000_000] * 2
    assert answered("/api/v1/discards", whole)[0] == 200
    assert answered("/api/v1/discards", [*whole, *whole])[0] == 413


def test_a_length_that_is_none_is_left_to_the_application() -> None:
    assert answered("/", [b"x"], (b"content-length", b"-1"))[0] == 200
    assert answered("/", [b"x"], (b"content-length", b"9" * 5_000))[0] == 413
