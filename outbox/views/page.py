"""The outbox page: what waits to be sent, by whom it is sent, what was refused for good."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from outbox import queries
from outbox.queries.partitions import AHEAD_WANTED
from reliability import access
from reliability.kernel import clock
from reliability.live import fragment

PARKED_SHOWN = 50
ID_DIGITS_MAX = 18
WORDS = {
    "ok": ("ok", "Flowing"),
    "behind": ("warn", "Behind"),
    "failing": ("crit", "Failing"),
    "paused": ("paused", "Paused"),
    "unowned": ("unknown", "No owner"),
}
"""Status and word of each state of a shard."""


@require_safe
@access.requires("outbox.view")
def page(request: HttpRequest) -> HttpResponse:
    """Totals, each shard, parked keys, the relays."""
    now = clock.SYSTEM.now()
    visible = access.visible_topics(access.actor_of(request))
    rows = queries.seen(queries.shards(now), visible=visible)
    whole = queries.total(rows)
    living = queries.relays()
    context = {
        "title": "Outbox",
        "now": now,
        "shards": [{"row": row, "kind": WORDS[row.state][0], "word": WORDS[row.state][1]} for row in rows],
        "whole": whole,
        "rates": queries.rates(now),
        "relays": living,
        "ahead": queries.partitions_ahead(),
        "ahead_wanted": AHEAD_WANTED,
        "kind": _verdict(whole, living)[0],
        "word": _verdict(whole, living)[1],
        "limited": not visible.is_everything,
        **_parked(request, visible),
    }
    seen = [
        rows,
        context["rates"],
        whole.halted,
        [row.event for row in context["parked"]],
        [row.owner for row in living],
    ]
    return fragment.page(request, "outbox/outbox.html", context, regions={"outbox": seen})


def _parked(request: HttpRequest, visible: access.VisibleTopics) -> dict[str, Any]:
    after = request.GET.get("after", "")
    start = int(after) if after.isascii() and after.isdecimal() and len(after) <= ID_DIGITS_MAX else 0
    rows = queries.parked(after=start, limit=PARKED_SHOWN + 1, visible=visible)
    return {
        "parked": rows[:PARKED_SHOWN],
        "parked_next": rows[PARKED_SHOWN - 1].event if len(rows) > PARKED_SHOWN else None,
        "parked_from": start,
        "reasons": queries.parked_reasons(visible=visible),
    }


def _verdict(whole: queries.Backlog, living: list[queries.RelayRow]) -> tuple[str, str]:
    if whole.halted:
        return "crit", "Halted"
    if whole.failing_shards:
        return "crit", f"{whole.failing_shards} failing"
    if not living or whole.unowned_shards:
        return ("crit", "Nobody sends") if whole.events else ("unknown", "No relay")
    if whole.paused_shards:
        return "paused", f"{whole.paused_shards} paused"
    return ("warn", "Parked keys") if whole.parked else ("ok", "Flowing")
