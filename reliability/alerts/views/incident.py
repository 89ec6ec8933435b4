"""One incident: why it fired and with which values, what happened to it, who was told, and who muted it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from reliability import access, audit
from reliability.alerts.models import Rule
from reliability.alerts.operations import acting
from reliability.alerts.queries import incidents, mutes
from reliability.alerts.queries.incidents import Look
from reliability.alerts.views import board, runbooks, wording
from reliability.console.views.acts import told
from reliability.console.views.copies import REASON, Copy, curl
from reliability.kernel import clock
from reliability.kernel.command_line import spelled
from reliability.live import fragment
from reliability.live.fragment import asked_for

ACTS = ("acknowledge", "mute", "rule", "send_again")


@require_safe
@access.requires("alerts.view")
@told
def page(request: HttpRequest, number: int) -> HttpResponse:
    """All that is known of it."""
    actor = access.actor_of(request)
    look = incidents.one(number, actor=actor)
    alerts, hidden = incidents.alerts(look, actor=actor)
    happened = [(*wording.HAPPENED.get(row.kind, ("unknown", row.kind)), row) for row in incidents.happenings(look)]
    told_of = [
        (*wording.delivery_state(row), wording.EVENTS.get(row.event, row.event), row)
        for row in incidents.deliveries(look)
    ]
    rule = Rule.objects.filter(name=look.row.rule).first()
    now = clock.SYSTEM.now()
    lasting = [] if look.row.resolved_at else mutes.of_incident(look, actor=actor, now=now)
    muted = [board.mute_row(row, actor=actor) for row in lasting]
    context: dict[str, Any] = {
        "title": look.title,
        "now": now,
        "look": look,
        "row": board.row_of(look),
        "mutes": muted,
        "alerts": [(wording.PHASES.get(each.phase, ""), each) for each in alerts],
        "more": hidden,
        "happened": happened,
        "told_of": told_of,
        "rule": board.rule_row(rule) if rule is not None else None,
        "lasted_s": ((look.row.resolved_at or now) - look.row.opened_at).total_seconds(),
        "runbook": runbooks.of_rooms({each.room for each in alerts}),
        "copies": _copies(request, look),
        **{f"may_{act}": access.may(actor, f"alerts.{act}") for act in ACTS},
    }
    seen = [
        (look.title, look.count, look.row.version, context["row"].word, context["row"].told),
        [(each.pk, each.phase, each.title, each.detail, each.ended_at) for each in alerts],
        [row.pk for *_, row in happened],
        [row.row.pk for row in muted],
        [(row.pk, row.state, row.attempts, row.answer) for *_, row in told_of],
    ]
    return fragment.page(request, "alerts/incident.html", context, regions={"incident": seen})


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires("alerts.acknowledge")
@told
def acknowledge(request: HttpRequest, number: int) -> HttpResponseBase:
    """What it leads to; POST does it."""
    actor = access.actor_of(request)
    with audit.admitted("alerts.acknowledge", actor=actor, target=acting.target(number)):
        look = incidents.one(number, actor=actor)
    if request.method == "POST":
        text = request.POST.get("reason", "").replace("\x00", "")
        acting.acknowledge(look=look, reason=text, actor=actor, now=clock.SYSTEM.now())
        messages.success(request, "Acknowledged: whoever heard of it hears that somebody looks after it.")
        return redirect("alerts:incident", number)
    path = f"/alerts/incidents/{number}/acknowledge"
    words = ("alerts", "ack", str(number), "--reason", REASON, "--as", actor.account)
    copies = [
        curl(request, path, {"reason": REASON}, name="acknowledge"),
        Copy(name="command line", text=spelled(*words)),
    ]
    context = {"title": "Acknowledge", "look": look, "row": board.row_of(look), "copies": copies}
    part = "alerts/acknowledge.html#dialog" if asked_for(request) == "dialog" else "alerts/acknowledge.html"
    return render(request, part, context)


def _copies(request: HttpRequest, look: Look) -> list[Copy]:
    number = look.row.pk
    return [
        curl(request, f"/alerts/incidents/{number}", method="GET"),
        Copy(name="command line", text=spelled("alerts", "show", str(number))),
    ]
