"""Muting a group's alerts for a while, and ending that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from reliability import access, audit
from reliability.console.views.acts import told
from reliability.console.views.copies import REASON, curl
from reliability.kernel import clock
from reliability.kernel.errors import Refused
from reliability.lag.operations import muting
from reliability.lag.queries import alerts, groups, history
from reliability.live import fragment

LASTS = ((15, "15 minutes"), (60, "an hour"), (240, "4 hours"), (1_440, "a day"), (10_080, "7 days"))
"""Minutes, and how the form calls them."""
USUAL = 60


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires("lag.mute")
@told
def page(request: HttpRequest, group_id: int) -> HttpResponseBase:
    """For how long and why; POST mutes."""
    if request.method != "POST":
        return _form(request, group_id)
    actor, now = access.actor_of(request), clock.SYSTEM.now()
    with audit.admitted("lag.mute", actor=actor, target=history.target(group_id)):
        _, group, *_ = groups.one(actor=actor, group_id=group_id)
    try:
        made = muting.mute(
            group=group,
            lasts=timedelta(minutes=_minutes(request.POST.get("minutes", ""))),
            reason=request.POST.get("reason", ""),
            actor=actor,
            now=now,
        )
    except access.Denied:
        raise
    except Refused as refused:
        return _form(request, group_id, refused=refused)
    undo = reverse("lag:unmute", args=[group.pk])
    messages.success(request, f"Muted until {made.until:%d %b %H:%M} UTC: nobody is told of {group.name}.", undo)
    return redirect("lag:group", group.pk)


@require_POST
@access.requires("lag.unmute")
@told
def end(request: HttpRequest, group_id: int) -> HttpResponseBase:
    """Tell again from the next look on."""
    actor = access.actor_of(request)
    with audit.admitted("lag.unmute", actor=actor, target=history.target(group_id)):
        _, group, *_ = groups.one(actor=actor, group_id=group_id)
    muting.unmute(group=group, actor=actor)
    messages.success(request, f"Not muted any more: what stands wrong with {group.name} is told at the next look.")
    return redirect("lag:group", group.pk)


def _form(request: HttpRequest, group_id: int, *, refused: Refused | None = None) -> HttpResponse:
    actor = access.actor_of(request)
    row, *_ = groups.one(actor=actor, group_id=group_id)
    path = f"/lag/groups/{row.id}/mute"
    context: dict[str, Any] = {
        "title": f"Mute {row.name}",
        "row": row,
        "lasts": LASTS,
        "minutes": _minutes(request.POST.get("minutes", "")) or USUAL,
        "reason": request.POST.get("reason", "").replace("\x00", ""),
        "refused": refused,
        "mute": alerts.muted([row.id], now=clock.SYSTEM.now()).get(row.id),
        "may_mute": access.may(actor, "lag.mute", topics=row.topics) and not row.is_limited,
        "copies": [
            curl(request, path, {"minutes": USUAL, "reason": REASON}, method="PUT", name="mute"),
            curl(request, path, method="DELETE", name="end it"),
        ],
    }
    template = "lag/mute.html#dialog" if fragment.asked_for(request) == "dialog" else "lag/mute.html"
    return render(request, template, context, status=refused.status if refused else 200)


def _minutes(text: str) -> int:
    """Minutes of the form; 0, which is refused, for what is none of its choices."""
    return int(text) if text in {str(minutes) for minutes, _ in LASTS} else 0
