"""Discarding letters: the question with its count, the act, the report, the way back."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dlq import forms
from dlq.domain.scope import Scope
from dlq.models import Discard
from dlq.operations import discards as operations
from dlq.queries import discards as queries
from dlq.queries import scopes
from dlq.views import copies, naming
from reliability import access
from reliability.console.views.acts import came_from, told
from reliability.console.views.copies import REASON, curl
from reliability.kernel import clock
from reliability.live import fragment


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A discard as the list shows it."""

    made: Discard
    scope: str
    can_be_undone: bool


@access.requires("letters.view")
def listed(request: HttpRequest) -> HttpResponse:
    """Every discard that the reader may see, newest first."""
    actor, now = access.actor_of(request), clock.SYSTEM.now()
    before = forms.cursor_of(request.GET.get("before", ""))
    found, older = queries.discards(actor=actor, before=before)
    rows = [
        Row(
            made=made,
            scope=naming.in_words(naming.of_scope(made.scope, actor=actor)),
            can_be_undone=queries.can_be_undone(made, now=now),
        )
        for made in found
    ]
    context = {"title": "Discards", "now": now, "rows": rows, "older": older, "before": before}
    seen = [(row.made.pk, row.made.undone_at, row.can_be_undone) for row in rows]
    return fragment.page(request, "dlq/discards.html", context, regions={"rows": seen})


@require_http_methods(["GET", "HEAD", "POST"])
def collection(request: HttpRequest) -> HttpResponseBase:
    """The collection: GET lists the discards, POST makes one."""
    return discard(request) if request.method == "POST" else listed(request)


@require_safe
@access.requires("letters.discard")
@told
def ask(request: HttpRequest) -> HttpResponse:
    """Say how many letters would be given up and what that means; nothing happens yet."""
    return _question(request, forms.scope_of(request.GET))


def _question(request: HttpRequest, scope: Scope, *, reason: str = "", status: int = 200) -> HttpResponse:
    """The count is of the letters that there are now: what arrives while somebody types is not meant."""
    actor = access.actor_of(request)
    counted = scopes.bounded(scope)
    count = queries.preview(counted, actor=actor)
    body = {"scope": counted.as_json(), "reason": REASON, "expected": count}
    context = {
        "title": "Discard letters",
        "count": count,
        "reason": reason,
        "scope": naming.of_scope(scope.as_json(), actor=actor),
        "whole_group": scope.group is not None,
        "fields": forms.address_of(counted),
        "copies": [
            *copies.of_discard(counted, expected=count, account=actor.account),
            curl(request, "/discards", body),
        ],
    }
    template = "dlq/discard.html#dialog" if fragment.asked_for(request) == "dialog" else "dlq/discard.html"
    return render(request, template, context, status=status)


@access.requires("letters.discard")
@told
def discard(request: HttpRequest) -> HttpResponse:
    """Give the letters up, if there are still as many as the reader was told; else ask again, the reason kept."""
    scope, reason = forms.scope_of(request.POST), request.POST.get("reason", "")
    try:
        made = operations.discard(
            scope=scope,
            reason=reason,
            actor=access.actor_of(request),
            now=clock.SYSTEM.now(),
            expected=forms.cursor_of(request.POST.get("expected", "")),
        )
    except operations.CountChanged as changed:
        messages.warning(request, f"Nothing was discarded. {changed}")
        return _question(request, replace(scope, up_to=None), reason=reason, status=409)
    undo = reverse("dlq:undo-discard", args=[made.pk])
    noun = "letter" if made.count == 1 else "letters"
    messages.success(request, f"{made.count:,} {noun} discarded. Undo until {made.undo_until:%d %b %H:%M} UTC.", undo)
    back = came_from(request)
    return redirect("dlq:groups" if back.startswith("/discards/") else back)


@require_safe
@access.requires("letters.view")
@told
def page(request: HttpRequest, discard_id: int) -> HttpResponse:
    """What was dropped, by whom and why, and the way back while there is one."""
    actor, now = access.actor_of(request), clock.SYSTEM.now()
    made = queries.visible_discard(discard_id, actor=actor)
    context = {
        "title": f"Discard #{made.pk}",
        "now": now,
        "made": made,
        "scope": naming.of_scope(made.scope, actor=actor),
        "report": queries.report(made),
        "can_be_undone": queries.can_be_undone(made, now=now)
        and access.may(actor, "letters.restore", topics=made.topics),
    }
    return render(request, "dlq/discarded.html", context)


@require_POST
@access.requires("letters.restore")
@told
def undo(request: HttpRequest, discard_id: int) -> HttpResponse:
    """Give the letters their states back."""
    made = operations.undo(discard_id=discard_id, actor=access.actor_of(request), now=clock.SYSTEM.now())
    messages.success(request, f"Undone: discard #{made.pk}, its letters are as before.")
    return redirect(came_from(request))
