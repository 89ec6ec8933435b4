"""The wall: a card for each breaker, what hurts most first."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from reliability import access
from reliability.breakers.queries import wall as queries
from reliability.breakers.queries.wall import Wall
from reliability.breakers.views import cards
from reliability.breakers.views.cards import Card
from reliability.console.views.acts import told
from reliability.kernel import clock
from reliability.live import fragment


@require_safe
@access.requires("breakers.view")
@told
def page(request: HttpRequest) -> HttpResponse:
    """All of them."""
    found = queries.wall(now=clock.SYSTEM.now())
    shown = cards.cards(found)
    context: dict[str, Any] = {
        "title": "Breakers",
        "now": found.at,
        "wall": found,
        "cards": shown,
        "chips": _chips(shown),
        "processes": processes(found),
        "may_act": access.may(access.actor_of(request), "breakers.override"),
    }
    seen = [[card.seen for card in shown], bool(found.away), context["processes"]]
    return fragment.page(request, "breakers/wall.html", context, regions={"wall": seen})


def processes(found: Wall) -> str:
    """Say how many processes go by the newest generations."""
    if found.away:
        return "the store does not answer: processes go on by themselves"
    if not found.processes:
        return "no process has called yet"
    newest = {look.name: look.machine.gen for look in found.looks}
    behind = sum(
        any(gen != newest.get(name, gen) for name, gen in process.generations.items()) for process in found.processes
    )
    many = len(found.processes)
    if behind:
        return f"{many - behind} of {many} processes on the newest generation"
    return "1 process, on the newest generation" if many == 1 else f"all {many} processes on the newest generation"


def _chips(shown: list[Card]) -> list[tuple[str, str, int]]:
    """How many are in each state: shape, word, count; in the order of the wall."""
    counts = Counter((card.shape, card.word.partition(" 1")[0].rstrip(" %0123456789")) for card in shown)
    return [(shape, word, count) for (shape, word), count in counts.items()]
