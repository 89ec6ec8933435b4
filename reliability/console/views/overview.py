"""The first page: what needs a person, how each system is, what happened."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from reliability import access
from reliability.console import context, queries
from reliability.kernel import clock
from reliability.live import fragment


@require_safe
@access.requires("overview.view")
def page(request: HttpRequest) -> HttpResponse:
    """The verdict in one sentence, then what it stands on."""
    now = clock.SYSTEM.now()
    overview = queries.overview(actor=access.actor_of(request), now=now)
    shown = {
        "title": "Overview",
        "now": now,
        "overview": overview,
        "shell": context.Shell(request, attention=overview.attention),
    }
    return fragment.page(request, "console/overview.html", shown, regions={"overview": overview.shown()})
