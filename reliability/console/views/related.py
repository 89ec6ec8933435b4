"""One thing on one page: how it stands, part by part, and all that happened to it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from reliability import access
from reliability.console import related
from reliability.console.views.copies import curl
from reliability.kernel import clock
from reliability.live import fragment

NAME_CHARS_SHOWN = 80
REASK_MS = 10_000  # by itself: hints of every room that is asked would come each second


@require_safe
@access.requires("orders.view")
def order(request: HttpRequest, order_id: str) -> HttpResponse:
    """Everything about an order; 404 with where was looked when nothing is known of it."""
    return _page(request, "order", order_id)


def _page(request: HttpRequest, kind: str, thing: str) -> HttpResponse:
    now = clock.SYSTEM.now()
    try:
        found = related.everything(actor=access.actor_of(request), kind=kind, thing=thing, now=now)
    except related.WrongId as wrong:
        said = {"title": f"No such {kind}", "kind": kind, "reason": str(wrong)}
        return render(request, "console/related_wrong.html", said, status=404)
    context: dict[str, Any] = {
        "title": f"{kind.capitalize()} {thing[:NAME_CHARS_SHOWN]}",
        "now": now,
        "kind": kind,
        "found": found,
        "reask_ms": REASK_MS,
        "copies": [curl(request, f"/{kind}s/{quote(thing, safe='')}", method="GET")],
    }
    # What was not asked in time may know it: then nothing says that there is no such thing.
    status = 200 if found.is_known or found.missing else 404
    return fragment.page(request, "console/related.html", context, regions={"related": found.shown()}, status=status)
