"""What a request may carry: so much, and as JSON only what means one thing."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest
from django.template import loader
from ninja.parser import Parser

from reliability.console import problems
from reliability.console.middleware import POLICY
from reliability.kernel.errors import Refused

# Half of a character: Python's JSON reads it, nothing else can write it again, PostgreSQL least of all.
_HALF_OF_A_PAIR = re.compile(r"\\u[dD][89a-fA-F]")
_LENGTH_DIGITS_MAX = 18

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class TooLarge(Refused):
    """The request is larger than this console takes."""

    code = "too-large"
    status = 413


class BadBody(Refused):
    """The body is not JSON in UTF-8."""

    code = "bad-body"
    status = 400


def most_bytes() -> int:
    """Return how many bytes a request's body may have."""
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def too_large() -> TooLarge:
    """Return the refusal with its sentence."""
    return TooLarge(f"A request has at most {most_bytes():,} bytes. Nothing was done; send less at a time.")


class StrictJson(Parser):
    """The API's reader of bodies: each key once, whole characters, numbers that JSON knows."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the document; raises ``BadBody`` with a sentence that says what is wrong."""
        try:
            text = request.body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadBody("The body is not UTF-8.") from error
        try:
            document = json.loads(text, object_pairs_hook=_each_once, parse_constant=_no_number)
            if _HALF_OF_A_PAIR.search(text):
                json.dumps(document, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise BadBody("The body holds half a character: a surrogate without its other half.") from error
        except RecursionError as error:
            raise BadBody("The body is nested too deeply.") from error
        except ValueError as error:
            raise BadBody(f"The body is not JSON: {error}.") from error
        return document


def _each_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise BadBody("The body names a key twice.")
    return found


def _no_number(name: str) -> Any:
    raise BadBody(f"{name} is no number that JSON has.")


def within_limit(application: Any) -> Any:
    """Wrap an ASGI application: a body over the limit is answered with 413, and not kept, whether it says its length.

    Django would first store all of it.
    """

    async def entry(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most_bytes():
                raise too_large()
            return message

        try:
            if _said(scope) > most_bytes():
                raise too_large()
            await application(scope, counted, send)
        except TooLarge as refused:  # Django reads the whole body before anything else: nothing was sent yet
            await _refuse(refused, scope, send)

    return entry


def _said(scope: Scope) -> int:
    length: bytes = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length[:_LENGTH_DIGITS_MAX]) if length.isdigit() else 0


async def _refuse(refused: TooLarge, scope: Scope, send: Send) -> None:
    if scope["path"].startswith("/api/"):
        kind, body = problems.CONTENT_TYPE, orjson.dumps(problems.document(refused, path=scope["path"]))
    elif (b"hx-request", b"true") in scope["headers"]:
        kind, body = "text/plain; charset=utf-8", str(refused).encode()
    else:
        kind, body = "text/html; charset=utf-8", loader.render_to_string("413.html", {"reason": refused}).encode()
    headers = {
        "content-type": kind,
        "content-length": str(len(body)),
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        "connection": "close",  # what is still to come is not read
    }
    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refused.status, "headers": lines})
    await send({"type": "http.response.body", "body": body})
