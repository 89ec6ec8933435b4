"""The frame's own parts: the rail as a live region, the search of the top bar."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from reliability import access
from reliability.console import context, queries
from reliability.kernel import clock

SEARCH_LENGTH_MAX = 400


@require_safe
@access.requires("overview.view")
def rail(request: HttpRequest) -> HttpResponse:
    """The rail with fresh counts, or 204 when they are those the page has."""
    frame = context.Shell(request)
    if request.GET.get("v") == frame.attention_version:
        return HttpResponse(status=204)
    return render(request, "_components/rail.html")


@require_safe
@access.requires("search.view")
def search(request: HttpRequest) -> HttpResponse:
    """Show what has this name, and lead on to the letters; to these at once where nothing is named so."""
    wanted = request.GET.get("q", "").strip()[:SEARCH_LENGTH_MAX]
    letters = f"{reverse('dlq:letters')}?{urlencode({'q': wanted})}" if wanted else reverse("dlq:letters")
    parts = queries.found(actor=access.actor_of(request), wanted=wanted) if wanted else []
    if not parts:
        return redirect(letters)
    found = {"title": "Search", "wanted": wanted, "parts": parts, "letters": letters, "now": clock.SYSTEM.now()}
    return render(request, "console/search.html", found)
