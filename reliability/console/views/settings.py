"""The settings page: how this console is configured, without secrets, and its processes."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from reliability import access
from reliability.certificates import queries as certificates
from reliability.console import queries
from reliability.console.domain import process_facts
from reliability.kernel import clock
from reliability.live import fragment
from reliability.live import queries as live_queries
from reliability.live.domain.processes import HeartbeatRow

SECRET_PARTS = ("password", "secret", "token")
PROCESS_WORDS = {"running": ("ok", "Running"), "failing": ("warn", "Failing"), "stopped": ("paused", "Stopped")}
"""Status and word of each state of a process."""


@require_safe
@access.requires("settings.view")
def page(request: HttpRequest) -> HttpResponse:
    """Everything as it is now; nothing here can be set."""
    heartbeats = queries.processes(actor=access.actor_of(request))
    restarts = {(each.row.name, each.row.host): each.times for each in live_queries.restarting_processes()}
    context = {
        **_context(),
        "processes": [_process(row, restarts=restarts.get((row.name, row.host), 0)) for row in heartbeats],
    }
    shown = [(row.name, row.host, row.pid, row.state, row.is_silent, dict(row.facts)) for row in heartbeats]
    return fragment.page(
        request, "console/settings.html", context, regions={"processes": [shown, sorted(restarts.items())]}
    )


def _process(row: HeartbeatRow, *, restarts: int) -> dict[str, object]:
    kind, word = PROCESS_WORDS.get(row.state, ("ok", row.state))
    if row.is_silent or restarts:
        kind, word = "crit", "Silent" if row.is_silent else f"Restarting: {restarts} times"
    return {"row": row, "kind": kind, "word": word, "facts": process_facts.said(row.facts)}


def _context() -> dict[str, object]:
    return {
        "title": "Settings",
        "now": clock.SYSTEM.now(),
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
