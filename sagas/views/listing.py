"""The list of sagas: what needs a person first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from reliability import access
from reliability.console.views.acts import told
from reliability.live import fragment
from sagas.domain.batching import ITEMS_MAX
from sagas.domain.state import Status
from sagas.queries import cursors, histories, lists
from sagas.queries.lists import OPEN, STUCK, Listed
from sagas.views import filters, wording


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A saga as the table shows it."""

    listed: Listed
    kind: str
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A choice of states with its count."""

    slug: str
    label: str
    kind: str
    count: str


@require_safe
@access.requires("sagas.view")
@told
def page(request: HttpRequest) -> HttpResponse:
    """Every saga, narrowed as the address says."""
    asked = filters.shown(request.GET)
    cursor = request.GET.get("cursor", "")[: cursors.CHARACTERS_MAX]
    now = histories.database_now()
    wanted = filters.wanted(asked)
    found = lists.page(wanted, now=now, after=cursors.cursor(cursor))
    counts = lists.counts(now=now)
    rows = [Row(listed=each, kind=_kind(each), word=_word(each)) for each in found.rows]
    acts = access.may(access.actor_of(request), "sagas.act")
    matching = lists.count(wanted, now=now, most=ITEMS_MAX + 1) if acts and rows else 0
    context: dict[str, Any] = {
        "title": "Sagas",
        "now": now,
        "rows": rows,
        "asked": asked | {"cursor": cursor},
        "narrowed": any(asked.values()),
        "acts": acts,
        "matching": f"{matching:,}" if matching <= ITEMS_MAX else f"{ITEMS_MAX:,}+",
        "address": filters.address(asked),
        "older": cursors.text(found.next),
        "chips": _chips(counts),
        "untaken": counts.untaken,
        "definitions": lists.names(),
        "ages": filters.AGES,
    }
    seen = [(row.listed.saga.id, row.listed.saga.version, row.listed.standing.why, row.word) for row in rows]
    return fragment.page(
        request,
        "sagas/sagas.html",
        context,
        regions={"rows": [seen, context["chips"], context["older"], counts.untaken, matching]},
    )


def _kind(listed: Listed) -> str:
    if listed.standing.severity == "bad":
        return "crit"
    if listed.standing.severity == "warn":
        return "warn"
    return wording.STATUSES[Status(listed.saga.status)][0]


def _word(listed: Listed) -> str:
    status = Status(listed.saga.status)
    if listed.standing.severity == "bad" and status is not Status.NEEDS_OPERATOR:
        return "Nobody takes it"
    return wording.STATUSES[status][1]


def _chips(counts: lists.Counts) -> list[Chip]:
    stuck = counts.by_status.get(Status.NEEDS_OPERATOR, 0) + counts.untaken
    chips = [
        Chip(slug=STUCK, label="Stuck", kind="crit" if stuck else "ok", count=_count(stuck)),
        Chip(slug=OPEN, label="Open", kind="prog", count=_count(counts.open)),
    ]
    for status, (kind, word) in wording.STATUSES.items():
        number = counts.by_status.get(status, 0)
        if number:
            chips.append(Chip(slug=str(status), label=word, kind=kind, count=_count(number)))
    return chips


def _count(number: int) -> str:
    return f"{number:,}+" if number >= lists.COUNTED_MAX else f"{number:,}"
