"""Refuses what another site makes a browser send, before anything else looks at the request."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

log = structlog.get_logger(__name__)

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
OWN_SITES = ("same-origin", "none")
WITHOUT_COOKIES = ("/ofrep/",)
"""These stand on a token in a header alone, which no other site can have a browser send."""
SENTENCE = "This request was sent by another site; nothing was done."


class SameOrigin:
    """Unsafe methods must come from our own pages, as the browser itself states in ``Sec-Fetch-Site``.

    Clients that are no browsers send no such header and pass; the token of Django's CSRF check is asked for besides.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        if request.method in SAFE_METHODS or site in OWN_SITES or request.path.startswith(WITHOUT_COOKIES):
            return self.get_response(request)
        log.warning("cross_site_request_refused", method=request.method, path=request.path, site=site[:40])
        if request.path.startswith("/api/"):
            problem = {
                "type": "about:blank",
                "title": "Forbidden",
                "status": 403,
                "code": "cross-site",
                "detail": SENTENCE,
            }
            return JsonResponse(problem, status=403, content_type="application/problem+json")
        return HttpResponse(SENTENCE, status=403, content_type="text/plain; charset=utf-8")
