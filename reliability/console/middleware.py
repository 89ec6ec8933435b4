"""Without PostgreSQL every page answers at once and says so; with more requests than connections they take turns."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.signals import got_request_exception
from django.db import connection
from django.db.backends.signals import connection_created
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template import loader

from reliability.console import outage, problems
from reliability.console.views.acts import came_from
from reliability.kernel import clock

RETRY_AFTER_S = 5
# Connections that requests leave to what else the web process asks: health, metrics, websockets.
LEFT_FREE = 2
TURN_WITHIN_S = 5.0
LOOK_EVERY_S = 0.1
# A read that got no connection while the database is well asks again for as long: it has its turn, so the pool is only
# slow to grow. An act never asks twice.
READ_WITHIN_S = 5.0
# These say for themselves what they know without a database.
WITHOUT_DATABASE = ("/health/", "/metrics", "/static/", "/ofrep/")
SENTENCE = "The database does not answer. Nothing was done; try again in a few seconds."
IN_DOUBT = (
    "The database stopped answering in the middle of this. Nobody knows yet whether it was done, or how far: look at "
    "the thing itself and at Activity before you do it again."
)
SAFE = ("GET", "HEAD", "OPTIONS")
# The page is ours, has no script, and loads its style from this host.
POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"


class Turns:
    """Lets as many requests at the database as the pool has connections for; a server gives each a thread, unbounded.

    Who waits does so for ``TURN_WITHIN_S`` at most, and no longer once the database is known to be down.
    """

    def __init__(self, places: int) -> None:
        self._places = threading.BoundedSemaphore(places)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Hold a place; False when there was none in time."""
        tries = round(TURN_WITHIN_S / LOOK_EVERY_S)
        got = any(self._places.acquire(timeout=LOOK_EVERY_S) for _ in range(tries) if outage.WATCH.down_since is None)
        try:
            yield got
        finally:
            if got:
                self._places.release()


class MethodsSaid:
    """Answers a method that an address does not take with a sentence, where others answer with nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass on; say what a bare 405 means."""
        response = self.get_response(request)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
            return response
        allowed = response.headers.get("Allow", "")
        sentence = f"This address takes {allowed.replace(', ', ' and ')}, not {request.method}. Nothing was done."
        if request.path.startswith("/api/"):
            said = problems.answer(request, status=405, code="method-not-allowed", detail=sentence)
        else:
            said = HttpResponse(loader.render_to_string("405.html", {"reason": sentence}), status=405)
        said.headers["Allow"] = allowed
        return said


class DatabaseDown:
    """While the database is known to be down, answers before anything asks it; else notices requests that failed on it.

    Fragments of live pages and the API get a bare 503, so that a page keeps its last figures and dims them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        pool = settings.DATABASES["default"]["OPTIONS"]["pool"]
        self.turns = Turns(max(1, pool["max_size"] - LEFT_FREE))

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, or pass on."""
        if request.path.startswith(WITHOUT_DATABASE):
            return self.get_response(request)
        if outage.WATCH.down_since is not None:
            return unavailable(request)
        with self.turns.turn() as ours:
            return self._answer(request) if ours else _without_turn(request)

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        until_s = time.monotonic() + (READ_WITHIN_S if request.method in ("GET", "HEAD") else 0.0)
        while True:
            request.failed_with = None  # type: ignore[attr-defined]  # set below, see _keep_error
            touched = _touching()
            try:
                response = self.get_response(request)
            finally:
                if not connection.in_atomic_block:  # whoever holds a transaction around the request keeps it
                    connection.close_if_unusable_or_obsolete()  # to the pool before the next turn
            error = getattr(request, "failed_with", None)
            if response.status_code < 500 or not outage.no_connection(error):
                return response
            in_doubt = bool(touched) and request.method not in SAFE
            if outage.WATCH.saw_outage(error) or in_doubt:
                return unavailable(request, in_doubt=in_doubt)
            if time.monotonic() >= until_s:
                return busy(request)


_TOUCHED: ContextVar[list[bool] | None] = ContextVar("touched", default=None)


def _touching() -> list[bool]:
    """Return a list that is not empty once this request had a connection.

    The error does not say: after a commit that was lost Django asks for a connection anew, and fails with that.
    """
    touched = [True] if connection.connection is not None else []
    _TOUCHED.set(touched)
    return touched


@receiver(connection_created)
def _touch(sender: Any, **kwargs: Any) -> None:
    touched = _TOUCHED.get()
    if touched is not None:
        touched.append(True)


@receiver(got_request_exception)
def _keep_error(sender: Any, request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Keep the error that Django turned into a 500, whichever layer raised it."""
    if request is not None:
        request.failed_with = sys.exc_info()[1]  # type: ignore[attr-defined]  # read by the middleware above


def unavailable(request: HttpRequest, *, in_doubt: bool = False) -> HttpResponse:
    """The answer of the kind that was asked for. ``in_doubt``: an act was begun, and nobody knows what became of it."""
    since, sentence = outage.WATCH.down_since, IN_DOUBT if in_doubt else SENTENCE
    if request.path.startswith("/api/"):
        code = "outcome-unknown" if in_doubt else "database-down"
        response = problems.answer(request, status=503, code=code, detail=sentence)
    elif request.headers.get("HX-Request") == "true" or request.path.startswith("/live/"):
        response = HttpResponse(sentence, status=503, content_type="text/plain; charset=utf-8")
    else:
        told = {"since": _spoken(since) if since else "", "in_doubt": IN_DOUBT if in_doubt else ""}
        response = _page(request, told, RETRY_AFTER_S)
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    if in_doubt:
        del response.headers["Retry-After"]  # there are clients that repeat by themselves
    response.headers["Cache-Control"] = "no-store"
    return response


def _without_turn(request: HttpRequest) -> HttpResponse:
    return busy(request) if outage.WATCH.down_since is None else unavailable(request)


def busy(request: HttpRequest) -> HttpResponse:
    """The answer for a request without a connection while the database is well: it alone was not served."""
    if request.path.startswith("/api/"):
        response = problems.busy(request)
    elif request.headers.get("HX-Request") == "true" or request.path.startswith("/live/"):
        response = HttpResponse(problems.BUSY, status=503, content_type="text/plain; charset=utf-8")
    else:
        response = _page(request, {"busy": problems.BUSY}, problems.BUSY_RETRY_AFTER_S)
    response.headers["Retry-After"] = str(problems.BUSY_RETRY_AFTER_S)
    response.headers["Cache-Control"] = "no-store"
    return response


def _page(request: HttpRequest, told: dict[str, str], again_s: int) -> HttpResponse:
    is_act = request.method not in SAFE
    back = "/activity/" if told.get("in_doubt") else came_from(request) if is_act else ""
    text = loader.render_to_string("503.html", {**told, "is_act": is_act, "back": back})
    response = HttpResponse(text, status=503)
    if not is_act:
        response.headers["Refresh"] = str(again_s)  # a browser asks again by itself; an act is asked for by a person
    response.headers["Content-Security-Policy"] = POLICY
    return response


def _spoken(since: datetime) -> str:
    seconds = int((clock.SYSTEM.now() - since).total_seconds())
    return (
        f"{since:%H:%M:%S} UTC ({seconds} s ago)"
        if seconds < 120
        else f"{since:%H:%M:%S} UTC ({seconds // 60} min ago)"
    )
