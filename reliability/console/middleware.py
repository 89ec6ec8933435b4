"""Without PostgreSQL every page answers at once, with one plain page that says so."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.signals import got_request_exception
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template import loader

from reliability.console import outage, problems
from reliability.kernel import clock

RETRY_AFTER_S = 5
# These say for themselves what they know without a database.
WITHOUT_DATABASE = ("/health/", "/metrics", "/static/")
SENTENCE = "The database does not answer. Nothing was done; try again in a few seconds."
# The page is ours, has no script, and loads its style from this host.
POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"


class DatabaseDown:
    """While the database is known to be down, answers before anything asks it; else notices requests that failed on it.

    Fragments of live pages and the API get a bare 503, so that a page keeps its last figures and dims them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, or pass on."""
        if request.path.startswith(WITHOUT_DATABASE):
            return self.get_response(request)
        if outage.WATCH.down_since is not None:
            return unavailable(request)
        response = self.get_response(request)
        error = getattr(request, "failed_with", None)
        if response.status_code >= 500 and error is not None and outage.is_outage(error):
            outage.WATCH.saw_outage(error)
            return unavailable(request)
        return response


@receiver(got_request_exception)
def _keep_error(sender: Any, request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Keep the error that Django turned into a 500, whichever layer raised it."""
    if request is not None:
        request.failed_with = sys.exc_info()[1]  # type: ignore[attr-defined]  # read by the middleware above


def unavailable(request: HttpRequest) -> HttpResponse:
    """The answer of the kind that was asked for."""
    since = outage.WATCH.down_since
    if request.path.startswith("/api/"):
        response = problems.answer(request, status=503, code="database-down", detail=SENTENCE)
    elif request.headers.get("HX-Request") == "true" or request.path.startswith("/live/"):
        response = HttpResponse(SENTENCE, status=503, content_type="text/plain; charset=utf-8")
    else:
        page = loader.render_to_string("503.html", {"since": _spoken(since) if since else ""})
        response = HttpResponse(page, status=503)
        response.headers["Refresh"] = str(RETRY_AFTER_S)  # a browser asks again by itself
        response.headers["Content-Security-Policy"] = POLICY
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    response.headers["Cache-Control"] = "no-store"
    return response


def _spoken(since: datetime) -> str:
    seconds = int((clock.SYSTEM.now() - since).total_seconds())
    return (
        f"{since:%H:%M:%S} UTC ({seconds} s ago)"
        if seconds < 120
        else f"{since:%H:%M:%S} UTC ({seconds // 60} min ago)"
    )
