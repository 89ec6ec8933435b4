"""Who may ask: a token in a header, from a page of another site only where a setting names that site.

A token that was valid is known for some seconds, so that evaluations ask no database; while the database is down it is
known for longer, so that clients keep the levels that are in force instead of falling back to their code.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, Final, ParamSpec, cast

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from reliability import access
from reliability.access import operations, queries
from reliability.access.domain import tokens
from reliability.degradation.ofrep import answers
from reliability.kernel import clock

ACT: Final = "degradation.evaluate"
KNOWN_FOR_S: Final = 5.0
KNOWN_WITHOUT_DATABASE_S: Final = 600.0
TOKENS_KNOWN_MAX: Final = 1_000
ALLOWED_HEADERS: Final = "Authorization, X-API-Key, Content-Type, If-None-Match"
EXPOSED_HEADERS: Final = "ETag, Retry-After"

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A token that was valid at an instant, in seconds of the monotonic clock."""

    actor: access.Actor
    token_id: int
    at_s: float


_known: dict[bytes, Known] = {}
_lock = threading.Lock()


def ofrep(method: str, kind: str) -> Callable[[View[P]], View[P]]:
    """Decorate a view: one method, a token with the right, and CORS where it is allowed. Answers as the contract."""

    def decorate(view: View[P]) -> View[P]:
        @csrf_exempt  # no cookie is looked at: a request stands on its token alone
        @functools.wraps(view)
        def entry(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            origin = _allowed_origin(request)
            if request.method == "OPTIONS" and origin:
                return _with_cors(HttpResponse(status=204), origin, method=method)
            if request.method not in (method, "HEAD" if method == "GET" else method):
                return HttpResponse(status=405, headers={"Allow": method})
            return _with_cors(_admitted(request, kind) or view(request, *args, **kwargs), origin)

        entry.required_act = ACT  # type: ignore[attr-defined]  # read by the test over all routes
        return cast("View[P]", entry)

    return decorate


def secret_of(request: HttpRequest) -> str:
    """Return the token that a request names in a header; "" for none."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else request.headers.get("X-API-Key", "").strip()


def known(secret: str) -> Known | None:
    """Return whoever a token stands for; None when it is not valid. Raises ``DatabaseError`` when that is not known."""
    digest = tokens.digest(secret)
    if digest is None:
        return None
    now_s, found = clock.SYSTEM.monotonic(), _known.get(digest)
    if found is not None and now_s - found.at_s < KNOWN_FOR_S:
        return found
    try:
        stored = queries.valid_token(secret, now=clock.SYSTEM.now())
    except DatabaseError:
        if found is not None and now_s - found.at_s < KNOWN_WITHOUT_DATABASE_S:
            return found
        raise
    made = None if stored is None else Known(actor=queries.actor_of_token(stored), token_id=stored.pk, at_s=now_s)
    if stored is not None:
        operations.note_use(token=stored, now=clock.SYSTEM.now())
    with _lock:
        _known.pop(digest, None)
        if made is None:
            return None
        while len(_known) >= TOKENS_KNOWN_MAX:
            _known.pop(next(iter(_known)))
        _known[digest] = made
        return made


def forget() -> None:
    """Know no token: each is looked up anew."""
    with _lock:
        _known.clear()


def refused(secret: str, kind: str) -> HttpResponse | None:
    """Return the answer to whoever may not evaluate; None when the token's owner may."""
    try:
        found = known(secret)
        if found is None:
            details = "Send a token in a header: Authorization: Bearer mst_..., or X-API-Key: mst_..."
            response = answers.answer({"errorDetails": details}, status=401, kind=kind)
            response.headers["WWW-Authenticate"] = 'Bearer realm="mainstay"'
            return response
        access.authorize(found.actor, ACT)
    except access.Denied as denied:
        return answers.answer({"errorDetails": str(denied)}, status=403, kind=kind)
    except DatabaseError:
        details = "The database does not answer, and this token was not seen lately. Keep what you know; try again."
        return answers.answer({"errorDetails": details}, status=500, kind=kind)
    return None


def _admitted(request: HttpRequest, kind: str) -> HttpResponse | None:
    """None when the request may pass. A stream's address carries a ticket instead, which its own view checks."""
    return None if kind == "events" else refused(secret_of(request), kind)


def _allowed_origin(request: HttpRequest) -> str:
    origin = request.headers.get("Origin", "")
    return origin if origin and origin in getattr(settings, "OFREP_ORIGINS", ()) else ""


def _with_cors(response: HttpResponseBase, origin: str, *, method: str = "") -> HttpResponseBase:
    if getattr(settings, "OFREP_ORIGINS", ()):
        patch_vary_headers(response, ["Origin"])
    if not origin:
        return response
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    if method:
        response.headers["Access-Control-Allow-Methods"] = method
        response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = "600"
    return response
