"""One flag, and all of them: ``POST /ofrep/v1/evaluate/flags/{key}`` and ``POST /ofrep/v1/evaluate/flags``."""

from __future__ import annotations

from typing import Any, Final

import orjson
from django.http import HttpRequest, HttpResponse

from reliability.degradation import registry
from reliability.degradation.domain.snapshot import Snapshot
from reliability.degradation.ofrep import answers, tickets
from reliability.degradation.ofrep.door import known, ofrep, secret_of
from reliability.kernel import clock

INACTIVITY_S: Final = 120
NOT_KNOWN: Final = "The levels are not known here yet: neither Redis nor the database has answered. Try again."


class BadRequest(Exception):
    """The body is not what the contract says; ``code`` is one of its error codes."""

    def __init__(self, code: str, details: str) -> None:
        super().__init__(details)
        self.code = code


@ofrep("POST", "single")
def one(request: HttpRequest, key: str) -> HttpResponse:
    """Evaluate one flag; the context is checked and not needed: a level is the same for everybody."""
    try:
        _checked(request)
    except BadRequest as bad:
        return answers.answer(answers.failure(bad.code, str(bad), key=key), status=400, kind="single")
    snapshot = _snapshot()
    if snapshot is None:
        return answers.answer({"errorDetails": NOT_KNOWN}, status=500, kind="single")
    held = snapshot.flags.get(key)
    if held is None:
        details = f"No flag is called {answers.shown(key)}: flags are declared in code that has run."
        return answers.answer(answers.failure("FLAG_NOT_FOUND", details, key=key), status=404, kind="single")
    return answers.answer(answers.success(held, now=clock.SYSTEM.now()), kind="single")


@ofrep("POST", "bulk")
def every(request: HttpRequest) -> HttpResponse:
    """Evaluate all flags; 304 when they are those that the client has, whoever it was told by."""
    try:
        _checked(request)
    except BadRequest as bad:
        return answers.answer(answers.failure(bad.code, str(bad)), status=400, kind="bulk")
    snapshot = _snapshot()
    if snapshot is None:
        return answers.answer({"errorDetails": NOT_KNOWN}, status=500, kind="bulk")
    flags = answers.every(snapshot, now=clock.SYSTEM.now())
    tag = answers.etag(flags)
    if _has(request, tag):
        return answers.not_modified(tag)
    token = known(secret_of(request))
    streams = [] if token is None else [_stream(tickets.ticket(token.token_id), tag)]
    document = {"flags": flags, "metadata": {"revision": snapshot.revision}, "eventStreams": streams}
    response = answers.answer(document, kind="bulk")
    response.headers["ETag"] = tag
    return response


def _snapshot() -> Snapshot | None:
    return registry.agent().known()


def _stream(ticket: str, tag: str) -> dict[str, Any]:
    uri = f"/ofrep/v1/events?ticket={ticket}&since={tag.strip(chr(34))}"
    return {"type": "sse", "endpoint": {"requestUri": uri}, "inactivityDelaySec": INACTIVITY_S}


def _has(request: HttpRequest, tag: str) -> bool:
    """Whether the client has these answers already. A weak tag means the same here; ``*`` means whatever there is."""
    given = [each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")]
    return tag in given or given == ["*"]


def _checked(request: HttpRequest) -> None:
    """Raise ``BadRequest`` for a body that is none; a missing context is one without properties."""
    try:
        given = orjson.loads(request.body)
    except ValueError as error:
        raise BadRequest("PARSE_ERROR", 'The body is not JSON; send {"context": {}} at the least.') from error
    if not isinstance(given, dict):
        raise BadRequest("PARSE_ERROR", 'The body is a JSON object such as {"context": {"targetingKey": "user-1"}}.')
    context = given.get("context")
    if context is None:
        return
    if not isinstance(context, dict):
        raise BadRequest("INVALID_CONTEXT", "context is an object of properties.")
    key = context.get("targetingKey")
    if key is not None and not isinstance(key, str):
        raise BadRequest("INVALID_CONTEXT", "context.targetingKey is a text.")
