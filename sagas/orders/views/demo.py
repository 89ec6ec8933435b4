"""The demo's page: how far orders come, and the switches of its faults."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from reliability import access
from reliability.kernel import clock
from sagas.orders import operations, queries
from sagas.orders.domain.faults import FAULTS


@require_safe
@access.requires("orders.view")
def page(request: HttpRequest) -> HttpResponse:
    """Show the shop."""
    now = clock.SYSTEM.now()
    context = {
        "now": now,
        "switches": queries.switches(),
        "progress": queries.progress(),
        "pager": queries.pager(),
        "checked_at": now,
    }
    part = "#progress" if request.headers.get("HX-Request") else ""
    return render(request, f"orders/demo.html{part}", context)


@require_POST
@access.requires("demo.switch")
def switch(request: HttpRequest, name: str, state: str) -> HttpResponse:
    """Switch one fault, then show the shop again; 404 for a fault or a state that there is not."""
    try:
        on = operations.state_of(state)
        operations.switch(name=name, on=on, actor=access.actor_of(request), now=clock.SYSTEM.now())
    except operations.NoSuchFault as refused:
        raise Http404 from refused
    if not on:
        messages.success(request, f"{FAULTS[name].mended}. {FAULTS[name].then}")
    return redirect("orders:demo")
