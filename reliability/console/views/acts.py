"""What a page does when an operation refuses: it says why where the reader was, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from reliability import access
from reliability.kernel.errors import Refused

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def told(view: View[P]) -> View[P]:
    """Turn a refusal inside a view into a sentence on the page it came from, or into "not here"."""

    @wraps(view)
    def telling(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except access.Denied:
            raise  # the door shows the 403 page with the reason
        except Refused as refused:
            if refused.status == 404:
                raise Http404(str(refused)) from refused
            messages.warning(request, str(refused))
            return redirect(came_from(request))

    return telling


def came_from(request: HttpRequest) -> str:
    """Return the page of ours that this request was sent from, else the overview."""
    referrer = request.headers.get("Referer", "")
    known = url_has_allowed_host_and_scheme(referrer, {request.get_host()}, require_https=request.is_secure())
    if not known or not referrer:
        return "/"
    parts = urlsplit(referrer)
    page = f"{parts.path}?{parts.query}" if parts.query else parts.path
    # Without its host a path may name another one: //elsewhere.
    return page if page.startswith("/") and url_has_allowed_host_and_scheme(page, None) else "/"
