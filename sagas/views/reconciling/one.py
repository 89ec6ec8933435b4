"""One finding: what was expected and what was seen side by side, what does not hold, its history, its repairs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from reliability import access
from reliability.console.views.acts import told
from reliability.console.views.copies import curl
from reliability.kernel.text import printable
from reliability.live import fragment
from sagas import reconciliations
from sagas.domain.reconciling.finding import Note, State
from sagas.queries import findings, histories
from sagas.queries.findings import Line
from sagas.queries.findings import Row as Finding
from sagas.views import elsewhere
from sagas.views.reconciling import wording
from sagas.views.reconciling.wording import Kind

WRITTEN_WITHIN: Final = timedelta(seconds=5)  # an event is appended before the finding is told of it


@require_safe
@access.requires("reconcile.view")
@told
def page(request: HttpRequest, finding_id: int) -> HttpResponse:
    """One finding as the last look saw it."""
    row = findings.one(finding_id)
    kind = wording.kind_of(row)
    shape, word = wording.state_of(row, kind)
    expected, seen = findings.sides(row)
    may_act = access.may(access.actor_of(request), "reconcile.repair")
    defined = reconciliations.find(row.reconciliation)
    violated = set(orjson.loads(row.violated))
    repairs = kind.defined.repairs if kind.defined is not None else ()
    history = findings.history(finding_id)
    now = histories.database_now()
    known = _known(request, row, now)
    context: dict[str, Any] = {
        "title": f"Finding {printable(row.key, limit=60)}",
        "now": now,
        "finding": row,
        "kind": kind,
        "shape": shape,
        "word": word,
        "sides": [
            (kind.side_names[0], "expected", wording.shown(expected) if may_act else [], len(expected)),
            (kind.side_names[1], "seen", wording.shown(seen) if may_act else [], len(seen)),
        ],
        "may_act": may_act,
        "why": row.why if may_act else kind.title,
        "is_open": row.state == State.OPEN,
        "repairs": repairs,
        "rule": repairs[0].policy if repairs else None,
        "next": _next(row, kind, now=now),
        "failed": _failed(row, history),
        "known": known,
        "sent": known.happened(elsewhere.EVENTS, since=row.acted_at - WRITTEN_WITHIN) if row.acted_at else [],
        "letter": next((part for name, part in known.lines if name == elsewhere.LETTERS), None),
        "invariants": [(each.title, each.name not in violated) for each in defined.invariants] if defined else [],
        "nothing_broken": row.state != State.CLOSED and not violated,
        "has_code": defined is not None,
        "lines": [_line(each, row, may_act=may_act) for each in history],
        "copies": [curl(request, f"/findings/{finding_id}", method="GET")],
    }
    shown: list[object] = [row.version, row.looked_at, context["next"], known.lines, known.unread, context["sent"]]
    return fragment.page(request, "reconcile/finding.html", context, regions={"finding": shown})


def _known(request: HttpRequest, row: Finding, now: datetime) -> elsewhere.Known:
    """What became of what a repair sent, and what is open elsewhere under the key: asked for where somebody decides."""
    if row.state not in (State.OPEN, State.REPAIRING):
        return elsewhere.Known()
    only = [elsewhere.LETTERS, elsewhere.EVENTS] if row.state == State.REPAIRING else [elsewhere.LETTERS]
    return elsewhere.of_key(access.actor_of(request), row.key, now=now, only=only)


def _failed(row: Finding, history: Sequence[Line]) -> tuple[str, datetime] | None:
    """The last repair, when it did not help: its title, and when it was applied."""
    applied = next((line for line in history if line.note is Note.APPLIED), None)
    if row.state != State.OPEN or not row.repairs or applied is None:
        return None
    return str(applied.data.get("title") or wording.repair_title(row, row.repair)), applied.at


def _next(row: Finding, kind: Kind, *, now: datetime) -> tuple[str, datetime | None]:
    """What happens by itself, and when."""
    match State(row.state):
        case State.WATCHED if row.opens_at is not None and row.opens_at <= now:
            return "Its grace is over: the next look opens it, if the sides still differ.", None
        case State.WATCHED:
            return "If the sides still differ, it is opened at", row.opens_at
        case State.REPAIRING:
            return "If the sides still differ, it is opened again at", row.patient_until
        case State.DISMISSED:
            return "It opens again if the sides say something else.", None
        case State.CLOSED:
            return "Nothing: both sides agree.", None
    policy = kind.defined.repairs[0].policy if kind.defined is not None and kind.defined.repairs else None
    if policy is not None and not row.repairs:
        return "A rule repairs it with the next comparison, unless it has used up its number.", None
    return "It closes by itself when both sides agree. Nothing else happens before somebody decides.", None


def _line(line: Line, row: Finding, *, may_act: bool) -> dict[str, Any]:
    shape, what = wording.NOTES[line.note]
    told = ""
    if line.note in (Note.SEEN, Note.OPENED, Note.CHANGED):
        told = str(line.data.get("why", "")) if may_act else ""
    elif line.note is Note.APPLIED and not may_act:
        told = str(line.data.get("title", ""))
    elif line.note is Note.APPLIED:
        did = [f"{each['says']} {each['became']}" for each in line.data.get("did", [])]
        told = f"{line.data.get('title', '')}: {' '.join(did)}"
    elif line.data.get("after_repair"):
        told = f"after “{wording.repair_title(row, str(line.data['after_repair']))}”"
    return {
        "at": line.at,
        "shape": shape,
        "what": what,
        "text": told,
        "reason": str(line.data.get("reason", "")),
        "who": line.actor,
        "expected": wording.brief(line.data["expected"]) if may_act and "expected" in line.data else "",
        "seen": wording.brief(line.data["seen"]) if may_act and "seen" in line.data else "",
    }
