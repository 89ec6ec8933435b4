"""The frame's own parts: the rail as a live region, the search of the top bar, pages that are not built yet."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A page that is not built yet, and says so."""

    slug: str
    title: str
    answers: str
    shows: tuple[str, ...]
    meanwhile: str = ""


PLANNED = {
    page.slug: page
    for page in (
        Planned(
            slug="alerts",
            title="Alerts",
            answers="Who is told, by which way, when something here needs a person?",
            shows=(
                "rules on new failure groups, rates, retention, backlog and lag",
                "destinations and what was sent to them, with the answer",
                "silences with a reason and an end",
            ),
            meanwhile="Until then: /metrics feeds Prometheus rules; the overview lists what needs a person.",
        ),
    )
}


@require_safe
@access.requires("overview.view")
def planned(request: HttpRequest, slug: str) -> HttpResponse:
    """Say honestly what this page will be."""
    return render(request, "console/planned.html", {"page": PLANNED[slug], "title": PLANNED[slug].title})
