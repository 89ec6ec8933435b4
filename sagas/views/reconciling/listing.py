"""Findings as a work queue: what two systems disagree about, with its repair; and when they were compared last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from reliability import access
from reliability.console.views.acts import told
from reliability.live import fragment
from sagas import reconciliations
from sagas.domain.reconciling.finding import State
from sagas.domain.reconciling.outcome import Outcome
from sagas.operations.reconciling import comparisons as asking
from sagas.queries import comparisons, findings, histories
from sagas.queries.comparisons import Watched
from sagas.queries.findings import ACTIVE, Filter
from sagas.queries.findings import Row as Finding
from sagas.views.reconciling import wording
from sagas.views.reconciling.wording import Kind

TEXT_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A finding as the table shows it."""

    finding: Finding
    kind: Kind
    shape: str
    word: str
    expected: str
    seen: str
    repair: str
    applied: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A reconciliation above the table."""

    watched: Watched
    shape: str
    word: str


@require_safe
@access.requires("reconcile.view")
@told
def page(request: HttpRequest) -> HttpResponse:
    """Findings, narrowed as the address says; what needs a person first."""
    asked = {name: _text(request, name) for name in ("q", "state", "reconciliation", "difference", "after")}
    states = {ACTIVE, *(state for state in State if state is not State.NONE)}
    state = asked["state"] if asked["state"] in states else ACTIVE
    wanted = Filter(state=state, key=asked["q"], reconciliation=asked["reconciliation"], difference=asked["difference"])
    after = int(asked["after"]) if asked["after"].isascii() and asked["after"].isdigit() else 0
    found = findings.page(wanted, after=after)
    may_act = access.may(access.actor_of(request), "reconcile.repair")
    rows = [_row(each, may_act=may_act) for each in found.rows]
    now = histories.database_now()
    cards = [_card(each) for each in comparisons.watched(now=now)]
    counts = findings.counts_like(wanted)
    context: dict[str, Any] = {
        "title": "Reconcile",
        "now": now,
        "rows": rows,
        "cards": cards,
        "asked": asked,
        "state": state,
        "narrowed": any(asked[name] for name in ("q", "reconciliation", "difference")),
        "more": found.next,
        "chips": _chips(counts),
        "kinds": _kinds(),
        "differences": _differences(wanted) if state in (ACTIVE, State.OPEN) and not asked["difference"] else [],
        "bulk": _bulk(asked, rows) if may_act else [],
        "may_act": may_act,
        "may_compare": access.may(access.actor_of(request), "reconcile.compare"),
    }
    seen = [(row.finding.id, row.finding.version, row.word, row.expected, row.seen) for row in rows]
    progress = [_progress(card) for card in cards]
    return fragment.page(
        request,
        "reconcile/findings.html",
        context,
        regions={"rows": [seen, context["chips"], context["differences"], found.next], "cards": progress},
    )


@require_POST
@access.requires("reconcile.compare")
@told
def compare(request: HttpRequest, name: str) -> HttpResponseBase:
    """Have both sides compared now."""
    asking.ask(name, actor=access.actor_of(request))
    messages.success(request, "Asked for: both sides are compared as soon as a worker is free. This page follows it.")
    return redirect("reconcile:findings")


def _text(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").replace("\x00", "").strip()[:TEXT_MAX]


def _row(finding: Finding, *, may_act: bool) -> Row:
    kind = wording.kind_of(finding)
    shape, word = wording.state_of(finding, kind)
    expected, seen = findings.sides(finding)
    repairs = kind.defined.repairs if kind.defined is not None else ()
    return Row(
        finding=finding,
        kind=kind,
        shape=shape,
        word=word,
        expected=wording.brief(expected) if may_act else _count(expected),
        seen=wording.brief(seen) if may_act else _count(seen),
        repair=repairs[0].title if repairs and finding.state == State.OPEN else "",
        applied=wording.repair_title(finding, finding.repair) if finding.repair else "",
        why=finding.why if may_act else "",
    )


def _count(rows: list[dict[str, Any]]) -> str:
    return "nothing" if not rows else "1 row" if len(rows) == 1 else f"{len(rows)} rows"


def _card(watched: Watched) -> Card:
    shape, word = wording.OUTCOMES[watched.word]
    if watched.word == Outcome.COMPLETE and watched.newest is not None and watched.newest.differing:
        shape, word = "warn", f"{watched.newest.differing:,} differ"
    return Card(watched=watched, shape="crit" if watched.is_late else shape, word="Late" if watched.is_late else word)


def _progress(card: Card) -> list[object]:
    newest, going = card.watched.newest, card.watched.under_way
    return [
        card.word,
        newest.id if newest is not None else 0,
        [going.outcome, going.compared, going.differing] if going is not None else 0,
    ]


def _chips(counts: dict[str, int]) -> list[tuple[str, str, str, str]]:
    return [
        (str(state), word, shape, _number(counts.get(state, 0)))
        for state, (shape, word) in wording.STATES.items()
        if counts.get(state, 0) or state is State.OPEN
    ]


def _differences(wanted: Filter) -> list[tuple[str, str, str, str]]:
    """What is open, by difference: reconciliation, name, title, how many; nothing where all of it is one difference."""
    titles = {(of.name, each.name): each.title for of in reconciliations.known() for each in of.differences}
    found = findings.by_difference(wanted)
    return [(of, name, titles.get((of, name), name), f"{n:,}") for of, name, n in found] if len(found) > 1 else []


def _bulk(asked: dict[str, str], rows: list[Row]) -> list[tuple[str, str, str, str, str]]:
    """What can be done to all findings of the one difference that is listed: reconciliation, difference, its title,
    repair, its title."""
    first = next((row for row in rows if row.finding.state == State.OPEN), None)
    if not asked["difference"] or first is None or first.kind.defined is None:
        return []
    kind = first.kind.defined
    return [(first.finding.reconciliation, kind.name, kind.title, each.name, each.title) for each in kind.repairs]


def _number(number: int) -> str:
    return f"{number:,}+" if number >= findings.COUNTED_MAX else f"{number:,}"


def _kinds() -> list[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for defined in reconciliations.known():
        for each in defined.differences:
            found.setdefault(each.name, []).append(each.title)
    return [(name, " / ".join(dict.fromkeys(titles))) for name, titles in found.items()]
