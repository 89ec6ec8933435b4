"""Setting where a group goes on: the form, with what forbids it now and what was reset before."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from reliability import access
from reliability.console.domain.times import times_of
from reliability.console.views.acts import told
from reliability.kernel import clock
from reliability.kernel.errors import Refused
from reliability.lag import forms
from reliability.lag.domain import reset as rules
from reliability.lag.domain.reset_file import BadFile
from reliability.lag.models import Group
from reliability.lag.operations import reset_acts
from reliability.lag.operations.reset_looks import Forbidden
from reliability.lag.queries import groups
from reliability.lag.queries import resets as queries
from reliability.lag.queries.rows import Row
from reliability.lag.views import reset_wording
from reliability.live import fragment

TOPICS_SHOWN = 200


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires("lag.view")
@told
def page(request: HttpRequest, group_id: int) -> HttpResponseBase:
    """The form; POST plans what it says and leads to the preview."""
    if request.method == "POST":
        return _plan(request, group_id)
    return _form(request, group_id, sent=request.GET)


@access.requires("lag.reset")
def _plan(request: HttpRequest, group_id: int) -> HttpResponseBase:
    actor, now = access.actor_of(request), clock.SYSTEM.now()
    upload = request.FILES.get("file")
    try:
        made = reset_acts.preview(
            group_id=group_id,
            target=forms.target_of(request.POST, upload.read() if upload else None, now=now),
            topics=forms.topics_of(request.POST),
            actor=actor,
            now=now,
        )
    except access.Denied:
        raise
    except Refused as refused:
        if refused.status == 404:
            raise
        return _form(request, group_id, sent=request.POST, refused=refused)
    return redirect("lag:reset-plan", made.pk)


def _form(request: HttpRequest, group_id: int, *, sent: QueryDict, refused: Refused | None = None) -> HttpResponse:
    actor, now = access.actor_of(request), clock.SYSTEM.now()
    row, group, *_ = groups.one(actor=actor, group_id=group_id)
    times = times_of(request.COOKIES.get("mainstay_time", ""))
    listed = [reset_wording.listed(each, now=now) for each in queries.of_group(actor=actor, group_id=row.id, now=now)]
    reasons = _reasons(row, group)
    wanted = forms.topics_of(sent)
    context: dict[str, Any] = {
        "title": f"Reset offsets of {row.name}",
        "now": now,
        "row": row,
        "reasons": reasons,
        "errors": _errors(refused),
        "sent": {"to": "earliest", "ago": "1h", "way": "back"} | {k: v for k, v in forms.chosen(sent).items() if v},
        "quick": forms.QUICK,
        "zone": str(times.zone),
        "topics": [(topic, wanted is None or topic in wanted) for topic in row.topics[:TOPICS_SHOWN]],
        "topics_left": max(0, len(row.topics) - TOPICS_SHOWN),
        "may_reset": access.may(actor, "lag.reset", topics=row.topics),
        "resets": listed,
    }
    regions = {
        "guards": [reasons, row.polled_at],
        "resets": [[each.label, each.seen.made.pk] for each in listed],
    }
    status = refused.status if refused is not None else 200
    return fragment.page(request, "lag/reset.html", context, regions=regions, status=status)


def _reasons(row: Row, group: Group) -> list[str]:
    """What forbids it as of the last poll; the cluster itself is asked when it is previewed."""
    if row.gone_at is not None:
        return ["The cluster knows no such group any more: it was deleted, or its commits expired."]
    if row.is_limited and group.members:
        return ["It has members: stop its consumers and wait until it is empty, then preview."]
    return rules.guards(state=group.state.lower(), members=len(group.members))


def _errors(refused: Refused | None) -> list[str]:
    if refused is None:
        return []
    if isinstance(refused, BadFile):
        return refused.errors
    return refused.reasons if isinstance(refused, Forbidden) else [str(refused)]
