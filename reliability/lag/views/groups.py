"""All consumer groups, the worst first: what stands still, who falls behind, who keeps up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from reliability import access
from reliability.console.views.acts import told
from reliability.kernel import clock
from reliability.lag.domain import sentences, verdict
from reliability.lag.domain.values import Word
from reliability.lag.queries import alerts, clusters, groups
from reliability.lag.queries.groups import BadCursor, Search
from reliability.lag.views.wording import Shown, shown
from reliability.live import fragment

TEXT_CHARS_MAX = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A word to filter by, and how many groups have it."""

    slug: str
    label: str
    means: str
    status: str
    count: int


@require_safe
@access.requires("lag.view")
@told
def page(request: HttpRequest) -> HttpResponse:
    """The list with its filters."""
    actor, now = access.actor_of(request), clock.SYSTEM.now()
    wanted = read(request)
    polling = clusters.polling(actor=actor)
    found, error = groups.Page(rows=[], next=None), ""
    try:
        found = groups.page(actor=actor, search=wanted, cursor=request.GET.get("cursor", ""))
    except BadCursor as refused:
        error = str(refused)
    standing = groups.standing(actor=actor, cluster=wanted.cluster)
    context: dict[str, Any] = {
        "title": "Consumer lag",
        "now": now,
        "wanted": wanted,
        "error": error,
        "rows": [shown(row, polling, now=now) for row in found.rows],
        "muted": alerts.muted([row.id for row in found.rows], now=now),
        "older": found.next,
        "cursor": request.GET.get("cursor", ""),
        "standing": standing,
        "total": _total(standing),
        "chips": _chips(standing, wanted),
        "polling": polling,
        "names": [each.name for each in polling.clusters],
        "in_process": settings.MAINSTAY_BROKER == "in-process",
        "limited": not access.visible_topics(actor).is_everything,
        "filtered": not wanted.is_everything,
    }
    return fragment.page(request, "lag/groups.html", context, regions={"groups": _seen(context, now)})


def read(request: HttpRequest) -> Search:
    """Read the filter from the address; a word that is none asks for nothing."""
    word = request.GET.get("word", "").upper()
    return Search(
        text=request.GET.get("q", "").strip()[:TEXT_CHARS_MAX],
        word=word if word in set(Word) else "",
        cluster=request.GET.get("cluster", ""),
        topic=request.GET.get("topic", ""),
    )


def _chips(standing: groups.Standing, wanted: Search) -> list[Chip]:
    """The words that some group has, the worst first, and the one that is asked for."""
    shown_words = {word for word, count in standing.words.items() if count} | (
        {Word(wanted.word)} if wanted.word else set()
    )
    return [
        Chip(
            slug=word.value.lower(),
            label=sentences.LABELS[word],
            means=sentences.MEANINGS[word],
            status=verdict.status_of(word),
            count=standing.words.get(word, 0),
        )
        for word in sorted(shown_words, key=verdict.SEVERITY.__getitem__, reverse=True)
    ]


def _total(standing: groups.Standing) -> str:
    waiting = f", {sentences.records(standing.lag)} wait" if standing.lag else ""
    return f"{sentences.groups(standing.groups)}{waiting}"


def _seen(context: dict[str, Any], now: datetime) -> object:
    rows: list[Shown] = context["rows"]
    polling: clusters.Polling = context["polling"]
    return [
        [(each.row, each.is_old, each.row.id in context["muted"]) for each in rows],
        context["standing"],
        context["error"],
        polling.is_running,
        [(each.name, each.error, each.polled_at) for each in polling.clusters],
    ]
