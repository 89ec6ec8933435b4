"""One saga: why it is here, what happens next, its steps mirrored by their compensations, its history."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from reliability import access
from reliability.console.views.acts import told
from reliability.console.views.copies import curl
from reliability.live import fragment
from sagas import definitions
from sagas.domain import acts
from sagas.domain.acts import Act
from sagas.domain.standing import Standing
from sagas.domain.state import ACTIVE, Parked, Saga, Status
from sagas.queries import histories, lists
from sagas.views import elsewhere, mirror, wording

ENTRIES = 200  # of the history on the page; the rest is in the API and on the command line


@require_safe
@access.requires("sagas.view")
@told
def page(request: HttpRequest, saga_id: UUID) -> HttpResponse:
    """One saga; what cannot be folded any more is told, with its history as it is."""
    actor = access.actor_of(request)
    row = lists.row(saga_id)
    now = histories.database_now()
    saga = histories.load(saga_id)
    history = histories.newest(saga_id, limit=ENTRIES)
    may_act = access.may(actor, "sagas.act")
    standing = lists.of(row, now=now)
    kind, word = wording.STATUSES[saga.status]
    possible = acts.possible(saga) if may_act else ()
    known = elsewhere.of_key(actor, saga.key, now=now) if saga.status is Status.NEEDS_OPERATOR else elsewhere.Known()
    first = None if known.finding is not None else _first(saga, possible)
    context: dict[str, Any] = {
        "title": f"{saga.definition} {saga.key}",
        "now": now,
        "saga": saga,
        "kind": kind,
        "word": word,
        "standing": standing,
        "active": saga.status in ACTIVE,
        "who": _who(saga, standing),
        "known": known,
        "first": (first, wording.ACTS[first]) if first is not None else None,
        "others": [(act, wording.ACTS[act], wording.MEANS[act]) for act in possible if act is not first],
        "may_act": may_act,
        "rows": mirror.rows(saga, history),
        "lines": mirror.lines(history, whole=may_act),
        "left": max(0, saga.version - len(history)),
        "data": mirror.pretty(dict(saga.data)) if may_act else "",
        "names": sorted(saga.data),
        "has_code": definitions.find(saga.definition, saga.definition_version) is not None,
        "trace": next((event.data.get("trace", "") for _, event in history if event.data.get("trace")), ""),
        "copies": [
            curl(request, f"/sagas/{saga_id}", method="GET"),
            curl(request, f"/sagas/{saga_id}/history", method="GET", name="history"),
        ],
    }
    seen = [saga.version, row.fence, standing.why, standing.next, [str(act) for act in possible], context["has_code"]]
    seen += [[part for _, part in known.lines], known.unread]
    return fragment.page(request, "sagas/saga.html", context, regions={"saga": seen})


def _first(saga: Saga, possible: tuple[Act, ...]) -> Act | None:
    """The act that most often is the right one here; None where none stands out."""
    if saga.status is not Status.NEEDS_OPERATOR:
        return Act.RETRY if Act.RETRY in possible else None
    by_trouble = {
        Parked.UNKNOWN: (Act.PROBE, Act.HAPPENED),
        Parked.UNDO_FAILED: (Act.RETRY,),
        Parked.BEYOND_PIVOT: (Act.RETRY,),
        Parked.LATE_EFFECT: (Act.COMPENSATE,),
        Parked.EVENT_MISSING: (Act.HAPPENED,),
        Parked.CRASHES: (Act.COMPENSATE,),
    }
    wanted = by_trouble.get(Parked(saga.parked), ()) if saga.parked else ()
    return next((act for act in wanted if act in possible), None)


def _who(saga: Saga, standing: Standing) -> str:
    """Who can do something about it now."""
    if saga.status.is_over:
        return "Nobody needs to."
    if saga.status is Status.NEEDS_OPERATOR:
        return "An operator: nothing goes on before one decides."
    if standing.severity == "bad":
        return "Whoever runs the workers."
    return "The engine does; an operator may step in."
