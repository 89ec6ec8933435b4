"""Refuses what another site makes a browser send; ends sessions whose time is over."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from reliability.access.models import BrowserSession
from reliability.access.operations import sessions as operations
from reliability.access.queries import sessions as queries
from reliability.kernel import clock

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


WITHOUT_SESSION = ("/health/", "/metrics", "/static/", "/ofrep/")
"""These ask for no session, and some answer without a database."""
BY_ITSELF = ("/live/", "/rail/")


class Sessions:
    """Knows every browser that is signed in, and ends its session after so long a time, or so long a rest.

    What a page asks for by itself is no sign of a person: an open page keeps nobody signed in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Look after the session before and after the request."""
        if request.path.startswith(WITHOUT_SESSION):
            return self.get_response(request)
        cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if cookie is not None and not _may_be_a_key(cookie):
            request.session = request.session.__class__()  # no column could hold it
        row = self._row(request) if cookie is not None else None
        response = self.get_response(request)
        same = row is not None and request.user.is_authenticated and request.user.pk == row.user_id
        if row is not None:
            operations.follow(row=row, session_key=request.session.session_key if same else None)
        if not same and request.session.modified:
            self._row(request)  # who signed in just now is known from here on, not from their next request
        return response

    def _row(self, request: HttpRequest) -> BrowserSession | None:
        """What is known of this session, if somebody is signed in; None once it has ended."""
        key, user = request.session.session_key, request.user  # the key first: looking the user up may change it
        if not user.is_authenticated:
            return None
        if key is None:  # signed in over somebody else: it gets a key when it is kept
            request.session.save()
            key = str(request.session.session_key)
        now = clock.SYSTEM.now()
        row = operations.meet(
            session_key=key,
            user_id=user.pk,
            address=_address(request),
            user_agent=request.headers.get("User-Agent", ""),
            now=now,
        )
        if queries.is_over(row, now=now):
            operations.end([key])
            logout(request)
            return None
        if not _is_by_itself(request):
            operations.see(row=row, now=now)
        return row


def _may_be_a_key(cookie: str) -> bool:
    return cookie.isascii() and cookie.isalnum()


def _is_by_itself(request: HttpRequest) -> bool:
    """Whether a page's script asks, not a person: a region for itself, versions, the rail."""
    return "X-Region" in request.headers or request.path.startswith(BY_ITSELF)


def _address(request: HttpRequest) -> str:
    try:
        return str(get_adapter().get_client_ip(request))
    except PermissionDenied:  # behind fewer proxies than the settings say
        return ""
