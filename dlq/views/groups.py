"""Dead letters by what failed: the groups beside the newest letter of the one that is open."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from dlq import forms
from dlq.domain.search import BadSearch
from dlq.queries import endings, holding, storing
from dlq.queries import groups as queries
from dlq.queries import letters as letter_queries
from dlq.queries.limits import TooSlow
from dlq.views import filters, panel
from reliability import access
from reliability.console.views.acts import told
from reliability.kernel import clock
from reliability.live import fragment


@require_safe
@access.requires("letters.view")
@told
def page(request: HttpRequest, group_id: int | None = None) -> HttpResponse:
    """The list, the drawer, or both: a region that asks for itself gets only its own work done."""
    if "add" in request.GET:
        return redirect(request.path + filters.address(request, filters.read(request).text))
    asked = fragment.asked_for(request)
    context: dict[str, Any] = {"title": "Dead letters", "now": clock.SYSTEM.now(), "open_group": group_id}
    regions: dict[str, object] = {}
    if asked != "drawer":
        context |= _listed(request, context["now"])
        regions["groups"] = _seen(context)
    if asked != "groups":
        opened, seen = _opened(request, group_id)
        context |= opened
        regions["drawer"] = seen
    return fragment.page(request, "dlq/groups.html", context, regions=regions)


def _listed(request: HttpRequest, now: Any) -> dict[str, Any]:
    actor = access.actor_of(request)
    wanted = filters.read(request)
    found, totals, error = None, None, wanted.error
    if not error:
        try:
            found = queries.page(
                actor=actor,
                search=wanted.search,
                now=now,
                empty="empty" in request.GET,
                cursor=request.GET.get("cursor", ""),
            )
            totals = found.totals or queries.totals(actor=actor, now=now)
        except (BadSearch, TooSlow) as refused:
            error = str(refused)
    return {
        "wanted": wanted,
        "error": error,
        "rows": found.rows if found else [],
        "older": found.next if found else None,
        "cursor": request.GET.get("cursor", ""),
        "with_empty": "empty" in request.GET,
        "unread": storing.unread(),
        "totals": totals or queries.Totals(),
        "limited": not access.visible_topics(actor).is_everything,
        "fields": filters.FIELDS,
    }


def _seen(context: dict[str, Any]) -> object:
    totals = context["totals"]
    rows = [
        {
            "group": [row.group.pk, row.group.count, row.group.open_count, row.group.replaying_count, row.group.note],
            "looks": [row.standing.word, row.points, row.group.last_seen],
        }
        for row in context["rows"]
    ]
    return [
        rows,
        context["error"],
        [each.cluster for each in context["unread"]],
        totals.open,
        totals.replaying,
        totals.groups,
    ]


def _opened(request: HttpRequest, group_id: int | None) -> tuple[dict[str, Any], object]:
    """The drawer: a letter of the open group, kept while it is read although newer ones arrive."""
    if group_id is None:
        return {"letter": None}, None
    actor, now = access.actor_of(request), clock.SYSTEM.now()
    try:
        row = queries.one(actor=actor, group_id=group_id, now=now)
    except TooSlow:  # counting the letters of some topics only
        return {"letter": None, "uncounted": True}, None
    wanted = forms.cursor_of(request.GET.get("letter", ""))
    letter = (
        letter_queries.one(actor=actor, letter_id=wanted)
        if wanted
        else letter_queries.newest_of(actor=actor, group_id=group_id)
    )
    shared: dict[str, Any] = {
        "opened": row,
        "spread": queries.spread(row.group, actor=actor),
        "ending": None if row.group.open_count else endings.of_group(row.group.pk, actor=actor),
        "holders": holding.of_group(row.group.pk, actor=actor) if row.group.replaying_count else [],
        "free_count": row.group.open_count + row.group.quarantined_count,
        "close": reverse("dlq:groups") + filters.address(request, filters.read(request).text),
    }
    if letter is None:
        return {"letter": None, **shared}, [row.group.pk]
    shown = panel.context(request, letter, region="drawer")
    group = row.group
    counts = [group.open_count, group.replaying_count, group.quarantined_count]
    held = [(each.run.pk, each.run.state, each.letters) for each in shared["holders"]]
    seen = [counts, held, row.standing.word, shared["ending"], panel.seen(shown)]
    return {**shown, **shared}, seen
