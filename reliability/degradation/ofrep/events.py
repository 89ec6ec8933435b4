"""``GET /ofrep/v1/events``: tells clients that levels changed; what they are is fetched by the client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from channels.db import database_sync_to_async
from django.db import DatabaseError
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from reliability import access
from reliability.degradation import registry
from reliability.degradation.domain.snapshot import Snapshot
from reliability.degradation.ofrep import answers, door, tickets
from reliability.kernel import clock
from reliability.kernel.telemetry import metrics, names

LOOK_EVERY_S: Final = 0.25
SAY_EVERY_S: Final = 15.0
"""So often a comment is sent, that neither a proxy nor the client takes the stream for dead."""
CHECK_EVERY_S: Final = 30.0
STREAMS_MAX: Final = 500
"""In one process; each costs a look at memory four times a second."""

_open: set[object] = set()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tag:
    """The tag of a snapshot, until an instant."""

    snapshot: Snapshot
    tag: str
    until: datetime | None


_newest: _Tag | None = None


@door.ofrep("GET", "events")
def stream(request: HttpRequest) -> HttpResponseBase:
    """Send an event for each change, the first at once when the client has other answers than those of now."""
    secret, ticket = door.secret_of(request), request.GET.get("ticket", "")
    token = tickets.token_id(ticket) if ticket and not secret else None
    if token is None:
        refused = door.refused(secret, "events")
        if refused is not None:
            return refused
        found = door.known(secret)
        token = found.token_id if found is not None else None
    elif not _may(token):
        return answers.answer({"errorDetails": "This stream's ticket is over."}, status=401, kind="events")
    if token is None or len(_open) >= STREAMS_MAX:
        too_many = answers.answer({"errorDetails": "Too many streams are open here."}, status=429, kind="events")
        too_many.headers["Retry-After"] = "10"
        return too_many
    if request.method == "HEAD":
        return answers.answer({}, kind="events")
    registry.agent().known()  # from now on somebody looks for changes
    metrics.inc(names.OFREP_ANSWERS, kind="events", status="200")
    since = request.headers.get("Last-Event-ID") or request.GET.get("since", "")
    response = StreamingHttpResponse(_events(token, since), content_type="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def _events(token: int, since: str) -> AsyncIterator[bytes]:
    mark = object()
    _open.add(mark)
    try:
        said_s = checked_s = clock.SYSTEM.monotonic()
        yield b": connected\n\n"
        told = since
        while True:
            now_s = clock.SYSTEM.monotonic()
            if now_s - checked_s >= CHECK_EVERY_S:
                checked_s = now_s
                if not await database_sync_to_async(_may)(token):  # gives its connection back: a stream lives for hours
                    return
            tag = _tag()
            if tag and told and tag != told:
                yield _event(tag)
                said_s = now_s
            elif now_s - said_s >= SAY_EVERY_S:
                yield b": still here\n\n"
                said_s = now_s
            told = tag or told
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        _open.discard(mark)


def _event(tag: str) -> bytes:
    data = orjson.dumps({"type": "refetchEvaluation", "etag": f'"{tag}"'})
    return b"id: " + tag.encode() + b"\nevent: message\ndata: " + data + b"\n\n"


def _tag() -> str:
    """The tag of what a client would be answered now, without quotes; "" while nothing is known.

    Worked out once for all streams of the process, until something is told or time alone may change it.
    """
    global _newest  # one for each process, replaced whole
    snapshot, now = registry.agent().snapshot, clock.SYSTEM.now()
    if snapshot is None:
        return ""
    kept = _newest
    if kept is None or kept.snapshot is not snapshot or (kept.until is not None and now >= kept.until):
        instants = [at for held in snapshot.flags.values() if (at := held.standing(now).changes_at) is not None]
        tag = answers.etag(answers.every(snapshot, now=now)).strip('"')
        kept = _newest = _Tag(snapshot=snapshot, tag=tag, until=min(instants, default=None))
    return kept.tag


def _may(token: int) -> bool:
    """Whether the token's owner may still listen; while the database is down nobody loses a right."""
    try:
        actor = tickets.actor(token, now=clock.SYSTEM.now())
    except DatabaseError:
        return True
    return actor is not None and access.may(actor, door.ACT)
