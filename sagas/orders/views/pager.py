"""The demo's pager: takes signed messages of the alerts room, as somebody's own receiver would."""

from __future__ import annotations

import hmac
import json
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from reliability import live
from reliability.alerts.senders.webhook import signature
from reliability.kernel import clock
from reliability.kernel.text import is_storable
from sagas.orders import operations

CHANNEL: Final = "demo-pager"
OLDEST_S: Final = 300
"""A message that was signed longer ago may be one that somebody kept."""


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Take a message: 401 for one that is not signed by us or is old, 400 for one that is none, 204 when it is kept.

    Without a login: its signature is what it stands on.
    """
    now, headers = clock.SYSTEM.now(), request.headers
    number, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not _is_ours(request, number, stamp, age_of=int(now.timestamp())):
        return HttpResponse("not signed by us, or too old", status=401, content_type="text/plain; charset=utf-8")
    try:
        told = json.loads(request.body)
        texts = {name: str(told[name]) for name in ("event", "title", "url", "dedup_key")}
    except (ValueError, KeyError, TypeError):
        return HttpResponse("no message", status=400, content_type="text/plain; charset=utf-8")
    if not all(is_storable(text) for text in (number, *texts.values())):
        return HttpResponse("no message", status=400, content_type="text/plain; charset=utf-8")
    if operations.paged(number=number, now=now, **texts):
        live.changed("outbox")
    return HttpResponse(status=204)


def _is_ours(request: HttpRequest, number: str, stamp: str, *, age_of: int) -> bool:
    secret = getattr(settings, "ALERT_CHANNELS", {}).get(CHANNEL, {}).get("secret", "")
    if not secret or not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 12):
        return False
    if abs(age_of - int(stamp)) > OLDEST_S:
        return False
    wanted = f"v1,{signature(secret, number, stamp, request.body)}"
    return hmac.compare_digest(wanted.encode(), request.headers.get("webhook-signature", "").encode())
