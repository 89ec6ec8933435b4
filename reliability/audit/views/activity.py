"""The activity page: who did what, when, why, and whether it happened."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from reliability import access
from reliability.audit import queries
from reliability.audit.models import OUTCOMES
from reliability.kernel import clock
from reliability.live import fragment

SPANS = {"1h": timedelta(hours=1), "24h": timedelta(days=1), "7d": timedelta(days=7)}
WORD_LENGTH_MAX = 300
SEQ_DIGITS_MAX = 18


@require_safe
@access.requires("activity.view")
def page(request: HttpRequest) -> HttpResponse:
    """Entries, newest first, filtered by what the address says."""
    now = clock.SYSTEM.now()
    wanted = _wanted(request, now)
    before = request.GET.get("before", "")
    found = queries.entries(
        actor=access.actor_of(request),
        wanted=wanted,
        before=int(before) if before.isdecimal() and len(before) <= SEQ_DIGITS_MAX else None,
    )
    context = {
        "title": "Activity",
        "now": now,
        "entries": found.entries,
        "older": found.next_before,
        "before": before,
        "wanted": wanted,
        "span": request.GET.get("span", ""),
        "spans": SPANS,
        "acts": {act: access.RIGHTS[act].does for act in queries.acts(actor=access.actor_of(request))},
        "outcomes": OUTCOMES,
        "filtered": wanted != queries.EntryFilter(),
    }
    return fragment.page(
        request, "audit/activity.html", context, regions={"entries": [entry.seq for entry in found.entries]}
    )


@require_safe
@access.requires("activity.view")
def entry(request: HttpRequest, seq: int) -> HttpResponse:
    """One entry, whole, with its place in the chain."""
    found = queries.entry(actor=access.actor_of(request), seq=seq)
    if found is None:
        raise Http404
    right = access.RIGHTS.get(found.act)
    context = {
        "title": f"Entry {found.seq}",
        "entry": found,
        "facts": {name: value for name, value in found.facts.items() if value not in (None, "", [])},
        "hash": bytes(found.hash).hex(),
        "prev_hash": bytes(found.prev_hash).hex(),
        "does": right.does if right else "",
    }
    return render(request, "audit/entry.html", context)


def _wanted(request: HttpRequest, now: datetime) -> queries.EntryFilter:
    def word(name: str) -> str:
        return request.GET.get(name, "").strip()[:WORD_LENGTH_MAX].replace("\0", "")

    span = SPANS.get(request.GET.get("span", ""))
    return queries.EntryFilter(
        actor=word("actor"),
        act=word("act"),
        target=word("target"),
        outcome=word("outcome"),
        since=now - span if span else None,
    )
