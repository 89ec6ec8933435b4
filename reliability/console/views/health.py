"""What orchestrators and Prometheus ask: no login page, no shell."""

from __future__ import annotations

from functools import partial

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from reliability import access
from reliability.access import api as access_api
from reliability.console import figures, health
from reliability.kernel.telemetry import metrics

LOOPBACK = ("127.0.0.1", "::1")


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """``GET /health/live``: this process answers. Asks nobody, so an outage elsewhere restarts nothing."""
    return _fresh(JsonResponse({"status": "live"}))


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """``GET /health/ready``: 200 while pages can be served, 503 without database or tables. No addresses."""
    found = health.ready()
    answer = {"status": found.word, "parts": {part.name: part.state for part in found.parts}}
    return _fresh(JsonResponse(answer, status=200 if found.ready else 503))


@require_safe
def prometheus(request: HttpRequest) -> HttpResponse:
    """``GET /metrics``: with the token of ``MAINSTAY_METRICS_TOKEN`` where it is set.

    Else from this machine as it is, from elsewhere with a bearer token of a viewer. Behind a proxy every request comes
    from the proxy's machine; its forwarding header then asks for the token. A token of an account that sees some
    topics only gets no figures that name topics.
    """
    wanted, with_topics = settings.MAINSTAY_METRICS_TOKEN, True
    if wanted:
        if not constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {wanted}"):
            return _unauthorized("The bearer token of MAINSTAY_METRICS_TOKEN is needed.")
    elif not _is_near(request):
        actor = access_api.bearer(request)
        if actor is None or not access.may(actor, "processes.view"):
            return _unauthorized("A bearer token of a viewer is needed.")
        with_topics = access.visible_topics(actor).is_everything
    readings = partial(figures.read, with_topics=with_topics)
    return HttpResponse(metrics.exposition(readings), content_type=metrics.CONTENT_TYPE)


def _unauthorized(sentence: str) -> HttpResponse:
    refusal = HttpResponse(f"{sentence}\n", status=401, content_type="text/plain")
    refusal.headers["WWW-Authenticate"] = 'Bearer realm="mainstay"'
    return refusal


def _is_near(request: HttpRequest) -> bool:
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"))
    return request.META.get("REMOTE_ADDR") in LOOPBACK and not forwarded


def _fresh(response: JsonResponse) -> JsonResponse:
    response.headers["Cache-Control"] = "no-store"
    return response
