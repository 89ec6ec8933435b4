"""One reset: the preview with its button, what became of it, the way back."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from reliability import access
from reliability.console.views.acts import told
from reliability.kernel import clock
from reliability.kernel.errors import Refused
from reliability.lag import forms
from reliability.lag.domain import reset_words
from reliability.lag.models.resets import State
from reliability.lag.operations import reset_acts
from reliability.lag.queries import resets as queries
from reliability.lag.queries.resets import Seen
from reliability.lag.views import reset_copies, reset_wording
from reliability.live import fragment

ROWS_SHOWN, ROWS_MAX = 200, 5_000
OPEN = (State.PLANNED, State.APPLYING, State.UNKNOWN)
"""States that change without a press on this page."""


class NotNamed(Refused):
    """That is not the group's name: type it exactly as it stands before the field."""

    code = "not-named"
    status = 422


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires("lag.view")
@told
def page(request: HttpRequest, reset_id: int) -> HttpResponseBase:
    """The preview or the result; POST applies it."""
    if request.method == "POST":
        return _apply(request, reset_id)
    return _page(request, reset_id)


@access.requires("lag.reset")
def _apply(request: HttpRequest, reset_id: int) -> HttpResponseBase:
    actor, now = access.actor_of(request), clock.SYSTEM.now()
    group = queries.one(actor=actor, reset_id=reset_id).made.group
    try:
        if not reset_words.same_name(request.POST.get("name", ""), group.name):
            raise NotNamed
        made = reset_acts.apply(
            reset_id=reset_id,
            seen_hash=request.POST.get("hash", ""),
            reason=request.POST.get("reason", ""),
            actor=actor,
            now=now,
        )
    except access.Denied:
        raise
    except Refused as refused:
        if refused.status == 404:
            raise
        return _page(request, reset_id, refused=refused)
    return redirect("lag:reset-plan", made.pk)


@require_POST
@access.requires("lag.reset")
@told
def undo(request: HttpRequest, reset_id: int) -> HttpResponseBase:
    """Plan the way back, to be looked at like any other reset."""
    try:
        made = reset_acts.preview_undo(reset_id=reset_id, actor=access.actor_of(request), now=clock.SYSTEM.now())
    except access.Denied:
        raise
    except Refused as refused:
        if refused.status == 404:
            raise
        return _page(request, reset_id, refused=refused)
    return redirect("lag:reset-plan", made.pk)


def _page(request: HttpRequest, reset_id: int, *, refused: Refused | None = None) -> HttpResponse:
    actor, now = access.actor_of(request), clock.SYSTEM.now()
    seen = queries.one(actor=actor, reset_id=reset_id)
    made = seen.made
    old = seen.is_old(now=now)
    status, label = reset_wording.state_of(seen, now=now)
    shown = reset_wording.rows(seen, ROWS_MAX if "rows" in request.GET else ROWS_SHOWN)
    planned = made.state == State.PLANNED
    done = made.state in (State.APPLIED, State.PARTLY)
    words = reset_words.sentence(group=made.group.name, rows=seen.rows, forget=seen.forget, done=done)
    context: dict[str, Any] = {
        "title": f"Reset of {made.group.name}",
        "now": now,
        "seen": seen,
        "made": made,
        "group": made.group,
        "old": old,
        "status": status,
        "label": label,
        "sentence": words,
        "rows": shown,
        "noted": any(each.row.note for each in shown),
        "rows_left": len(seen.rows) - len(shown),
        "warnings": _warnings(seen) if planned else [],
        "drain": queries.forecast(actor=actor, seen=seen, now=now),
        "planned": planned,
        "can_apply": planned and not old and seen.may_act,
        "done": done,
        "fresh_until": made.planned_at + queries.FRESH,
        "refused": refused,
        "typed": {name: request.POST.get(name, "").replace("\x00", "") for name in ("reason", "name")},
        "again": forms.again(made, list(seen.rows)) if planned and made.undoes_id is None else [],
        "copies": reset_copies.of(request, seen),
    }
    state = [made.state, old, made.outcome, seen.undone_by and seen.undone_by.state]
    status_code = refused.status if refused is not None else 200
    return fragment.page(request, "lag/reset_plan.html", context, regions={"reset": state}, status=status_code)


def _warnings(seen: Seen) -> list[str]:
    return reset_words.warnings(seen.rows, seen.forget, is_undo=seen.made.undoes_id is not None)
