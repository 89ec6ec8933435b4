"""Around every HTTP request: a span, a request id, a line of facts for logs and metrics."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from opentelemetry.trace import SpanKind, StatusCode

from reliability.kernel import clock
from reliability.kernel.record import Header
from reliability.kernel.telemetry import logs, metrics, names, tracing

REQUEST_ID = "X-Request-ID"
TRACE_ID = "X-Trace-ID"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,128}")


class Traced:
    """Gives a request its span (continuing the caller's trace) and its id (the caller's when it has a proper one).

    Both go back as headers, so that an operator who reports an error can name it. Sockets are not traced: theirs would
    be one span per frame.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer inside the span."""
        logs.clear()
        given = request.headers.get(REQUEST_ID, "")
        request_id = given if _WELL_FORMED.fullmatch(given) else uuid.uuid4().hex
        logs.bind(request_id=request_id)
        started_s = clock.SYSTEM.monotonic()
        method = request.method if request.method in _METHODS else "OTHER"
        attributes = {"http.request.method": method, "url.path": request.path}
        with tracing.span(
            method, attributes=attributes, parent_headers=_trace_headers(request), kind=SpanKind.SERVER
        ) as span:
            response = self.get_response(request)
            route = _route(request)
            span.update_name(f"{method} {route}")
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 500:
                span.set_status(StatusCode.ERROR)
            response.headers[REQUEST_ID] = request_id
            response.headers[TRACE_ID] = tracing.current_trace_id() or ""
        status = f"{response.status_code // 100}xx"
        duration_s = clock.SYSTEM.monotonic() - started_s
        metrics.observe(names.HTTP_DURATION, duration_s, route=route, method=method, status=status)
        return response


def _trace_headers(request: HttpRequest) -> list[Header]:
    found = ((name, request.headers.get(name)) for name in (tracing.TRACEPARENT, tracing.TRACESTATE))
    return [(name, value.encode("ascii", errors="replace")) for name, value in found if value]


def _route(request: HttpRequest) -> str:
    """The pattern of the URL, never the URL: a bounded number of names."""
    return request.resolver_match.route if request.resolver_match else "(unmatched)"
