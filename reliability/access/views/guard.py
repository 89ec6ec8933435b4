"""The door of every page: ``@requires("letters.view")``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from reliability.access.domain import rights
from reliability.access.domain.actors import Actor
from reliability.access.domain.authorization import Denied, MustFirst, NotSignedIn, admit
from reliability.access.queries import actor_of

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

# Told of every act that was refused at the door, before an operation could write its entry; the audit room listens.
refusal_listeners: list[Callable[[Actor, str, str, Denied], None]] = []


def requires(act: str) -> Callable[[View[P]], View[P]]:
    """Let a view run only for actors whose role includes ``act``; ``request.actor`` is set for it.

    Signed out: to the login page and back. Refused, here or by an operation in the view: the 403 page with the reason.
    """
    rights.right(act)  # a misspelt act stops the start, not the first visitor

    def guard(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            actor = actor_of(request)
            try:
                admit(actor, act)
            except Denied as denied:
                if request.method not in SAFE_METHODS:
                    for listener in refusal_listeners:
                        listener(actor, act, request.path, denied)
                return refused(request, denied)
            try:
                return view(request, *args, **kwargs)
            except Denied as denied:  # by the operation, which has its entry already
                return refused(request, denied)

        guarded.required_act = act  # type: ignore[attr-defined]  # read by the test that walks the URL table
        return guarded

    return guard


def refused(request: HttpRequest, denied: Denied) -> HttpResponseBase:
    """What a refused page shows: the login page to somebody signed out, else the 403 page."""
    if isinstance(denied, NotSignedIn):
        return _to_login(request)
    if isinstance(denied, MustFirst):
        return _to_page(request, resolve_url("mfa_activate_totp"))
    context = {"reason": str(denied), "actor": actor_of(request)}
    return render(request, "access/denied.html", context, status=denied.status)


def _to_page(request: HttpRequest, where: str) -> HttpResponseBase:
    if request.headers.get("HX-Request") != "true":
        return redirect(where)
    response = HttpResponse(status=403)
    response.headers["HX-Redirect"] = where
    return response


def _to_login(request: HttpRequest) -> HttpResponseBase:
    if request.headers.get("HX-Request") != "true":
        back = request.get_full_path() if request.method in SAFE_METHODS else _page_of(request, "Referer")
        return redirect_to_login(back or resolve_url(settings.LOGIN_REDIRECT_URL))
    # A fragment cannot be replaced by a login page: htmx takes the whole window there.
    response = HttpResponse(status=401)
    back = _page_of(request, "HX-Current-URL")
    response.headers["HX-Redirect"] = redirect_to_login(back).url if back else resolve_url(settings.LOGIN_URL)
    return response


def _page_of(request: HttpRequest, header: str) -> str:
    """The page that a header says the request was sent from; "" when it is none of ours."""
    said = request.headers.get(header, "")
    if not url_has_allowed_host_and_scheme(said, allowed_hosts={request.get_host()}):
        return ""
    path = urlunsplit(urlsplit(said)._replace(scheme="", netloc="", fragment=""))
    return path if path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None) else ""
