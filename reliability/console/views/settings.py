"""The settings page: how this console is configured, without secrets; its processes; one's own API tokens."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from reliability import access
from reliability.access import queries as access_queries
from reliability.certificates import queries as certificates
from reliability.console import queries
from reliability.console.domain import process_facts
from reliability.console.operations import accounts
from reliability.kernel import clock
from reliability.kernel.errors import Refused
from reliability.live import fragment
from reliability.live import queries as live_queries
from reliability.live.domain.processes import HeartbeatRow

LIVES_DAYS = (1, 30, 90, 365)
SECRET_PARTS = ("password", "secret", "token")
PROCESS_WORDS = {"running": ("ok", "Running"), "failing": ("warn", "Failing"), "stopped": ("paused", "Stopped")}
"""Status and word of each state of a process."""


@require_safe
@access.requires("settings.view")
def page(request: HttpRequest) -> HttpResponse:
    """Everything as it is now; nothing here can be set but tokens."""
    heartbeats = queries.processes(actor=access.actor_of(request))
    restarts = {(each.row.name, each.row.host): each.times for each in live_queries.restarting_processes()}
    context = {
        **_context(request),
        "processes": [_process(row, restarts=restarts.get((row.name, row.host), 0)) for row in heartbeats],
    }
    shown = [(row.name, row.host, row.pid, row.state, row.is_silent, dict(row.facts)) for row in heartbeats]
    return fragment.page(
        request, "console/settings.html", context, regions={"processes": [shown, sorted(restarts.items())]}
    )


@require_POST
@access.requires("tokens.own")
def issue_token(request: HttpRequest) -> HttpResponse:
    """Make a token for oneself and show its secret, this once, on this very answer."""
    actor = access.actor_of(request)
    days = request.POST.get("days", "")
    role = request.POST.get("role", "")
    try:
        issued = accounts.issue_token(
            actor=actor,
            username=actor.account,
            name=request.POST.get("name", "").strip(),
            role=access.Role(role) if role in list(access.Role) else None,
            life=timedelta(days=int(days) if days.isdecimal() and len(days) < 5 else LIVES_DAYS[1]),
            now=clock.SYSTEM.now(),
        )
    except access.Denied:
        raise
    except Refused as refused:
        messages.warning(request, str(refused))
        return redirect(reverse("console:settings") + "#tokens")
    response = render(request, "console/token.html", {"title": "New token", "issued": issued})
    response.headers["Cache-Control"] = "no-store"
    return response


@require_POST
@access.requires("tokens.own")
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    """End one of one's own tokens."""
    actor = access.actor_of(request)
    token = next((each for each in access_queries.tokens_of(actor) if each.pk == token_id), None)
    if token is None:
        raise Http404
    accounts.revoke_token(actor=actor, token=token, now=clock.SYSTEM.now())
    messages.success(request, f"The token {token.name} no longer opens anything.")
    return redirect(reverse("console:settings") + "#tokens")


def _process(row: HeartbeatRow, *, restarts: int) -> dict[str, object]:
    kind, word = PROCESS_WORDS.get(row.state, ("ok", row.state))
    if row.is_silent or restarts:
        kind, word = "crit", "Silent" if row.is_silent else f"Restarting: {restarts} times"
    return {"row": row, "kind": kind, "word": word, "facts": process_facts.said(row.facts)}


def _context(request: HttpRequest) -> dict[str, object]:
    actor = access.actor_of(request)
    own = actor.role or access.Role.VIEWER
    return {
        "title": "Settings",
        "now": clock.SYSTEM.now(),
        "actor": actor,
        "scopes": actor.scopes,
        "tokens": access_queries.tokens_of(actor),
        "roles": [role for role in access.Role if own.covers(role)],
        "lives": LIVES_DAYS,
        "accounts": access_queries.accounts() if own.covers(access.RIGHTS["accounts.view"].role) else None,
        "clusters": {name: _without_secrets(profile) for name, profile in settings.KAFKA_CLUSTERS.items()},
        "certificates": certificates.rows(now=clock.SYSTEM.now()),
        "patterns": settings.DLQ_TOPIC_PATTERNS,
        "outbox_name": settings.MAINSTAY_OUTBOX_NAME,
        "broker_reason": settings.MAINSTAY_BROKER_REASON,
        "hosts": settings.ALLOWED_HOSTS,
        "https": bool(getattr(settings, "SESSION_COOKIE_SECURE", False)),
        "telemetry": settings.OTEL_EXPORTER_OTLP_ENDPOINT,
    }


def _without_secrets(profile: dict[str, str]) -> dict[str, str]:
    return {
        name: "••••" if any(part in name.lower() for part in SECRET_PARTS) else value for name, value in profile.items()
    }
