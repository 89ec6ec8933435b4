"""Versions over plain HTTP: what pages poll where websockets are blocked."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse

from reliability import access
from reliability.kernel import clock
from reliability.live import queries
from reliability.live.domain.topics import MOST_TOPICS


def versions(request: HttpRequest) -> JsonResponse:
    """``GET /live/versions?topics=a,b``: server time and the versions of the topics this actor may follow.

    Signed out is 401, not a redirect: a script asks. ``hints`` is false while Redis does not answer.
    """
    actor = access.actor_of(request)
    if not actor.is_signed_in:
        return JsonResponse({"error": "signed out"}, status=401)
    asked = request.GET.get("topics", "").split(",")[:MOST_TOPICS]
    found, hints = queries.versions(queries.followed(actor, asked))
    answer = JsonResponse({"now": clock.SYSTEM.now().isoformat(), "versions": found, "hints": hints})
    answer.headers["Cache-Control"] = "no-store"
    return answer
