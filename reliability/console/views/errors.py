"""What is shown when a page cannot be: refused, not there, broken."""

from __future__ import annotations

import structlog
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from reliability.console import problems
from reliability.kernel.errors import Refused
from reliability.kernel.telemetry import tracing

log = structlog.get_logger(__name__)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403 with the reason."""
    return render(request, "403.html", {"reason": str(exception)}, status=403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token is missing or old."""
    log.warning("csrf_refused", reason=reason, path=request.path)
    sentence = "The form is older than your session. Go back, reload the page, and send it again; nothing was done."
    return render(request, "403.html", {"reason": sentence}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404, with the sentence of the refusal where one was behind it."""
    if request.path.startswith("/api/"):
        return problems.answer(request, status=404, code="not-found", detail="There is nothing at this address.")
    refused = exception.__cause__
    reason = str(refused) if isinstance(refused, Refused) else ""
    return render(request, "404.html", {"path": request.path, "reason": reason}, status=404)


def broken(request: HttpRequest) -> HttpResponse:
    """Answer 500 with the trace id by which the log has the reason; asks nothing of the database."""
    return render(request, "500.html", {"trace_id": tracing.current_trace_id()}, status=500)
