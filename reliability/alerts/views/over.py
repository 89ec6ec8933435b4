"""Incidents that are over, page by page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from reliability import access
from reliability.alerts.queries import incidents
from reliability.alerts.views import board
from reliability.console.views.acts import told
from reliability.kernel import clock


@require_safe
@access.requires("alerts.view")
@told
def page(request: HttpRequest) -> HttpResponse:
    """The newest first."""
    after = request.GET.get("after", "")
    before = int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else None
    found = incidents.over(actor=access.actor_of(request), before=before)
    context = {
        "title": "Incidents that are over",
        "now": clock.SYSTEM.now(),
        "rows": [board.row_of(look) for look in found.items],
        "next": found.next,
        "paged": before is not None,
    }
    return render(request, "alerts/over.html", context)
