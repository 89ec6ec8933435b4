"""One act in bulk: its plan with the button that starts it, then how far it is, item by item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from reliability import access
from reliability.console import context as shell
from reliability.console.views.acts import told
from reliability.console.views.copies import curl
from reliability.kernel.errors import Refused
from reliability.live import fragment
from sagas.domain.batching import ItemState, Move, State
from sagas.operations import acting, batches
from sagas.operations.batches import starting
from sagas.queries import batches as queries
from sagas.queries import histories
from sagas.views.batches import looks, progress
from sagas.views.batches.look import Look, Now
from sagas.views.batches.looks import LOOKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagas.models import Batch, BatchItem

ITEMS_SHOWN = 50
NUMBER_DIGITS_MAX = 9
REASON_KEPT = 1_000  # characters, as many as the field takes


class NotTyped(Refused):
    """That is not the number: type how many it concerns, as it stands before the field."""

    code = "not-typed"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An item as the table shows it; ``now``: how its target stands by now, None where that is not told."""

    item: BatchItem
    kind: str
    word: str
    link: str
    now: Now | None


@require_safe
@access.requires("sagas.view")
@told
def page(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """The plan, or the progress."""
    return _page(request, batch_id)


@require_POST
@access.requires(acting.ACT)
@told
def start(request: HttpRequest, batch_id: UUID) -> HttpResponseBase:
    """Start the plan that was looked at; a second press leads to the same run and says so."""
    batch = queries.one(batch_id, kinds=LOOKS)
    try:
        if LOOKS[batch.kind].final(batch.what) and not _typed_right(request, batch):
            raise NotTyped
        started = batches.start(
            batch_id=batch_id,
            seen_hash=request.POST.get("hash", ""),
            reason=request.POST.get("reason", ""),
            actor=access.actor_of(request),
        )
    except access.Denied:
        raise
    except Refused as refused:
        if refused.status == 404:
            raise
        return _page(request, batch_id, refused=refused)
    if not started.begun:
        messages.warning(request, f"It was started before, by {started.batch.begun_by}: your press started nothing.")
    return redirect("sagas:batch", batch_id)


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires(starting.CANCEL)
@told
def cancel(request: HttpRequest, batch_id: UUID) -> HttpResponseBase:
    """Ask what cancelling means here, then cancel."""
    if request.method == "POST":
        batch = batches.cancel(batch_id=batch_id, actor=access.actor_of(request))
        left = queries.counts_of(batch).number(ItemState.CANCELLED)
        messages.info(request, f"Cancelled: {LOOKS[batch.kind].kind.counted(left)} left alone. What was done stays.")
        return redirect("sagas:batch", batch_id)
    batch = queries.one(batch_id, kinds=LOOKS)
    counts = queries.counts_of(batch)
    context = {
        "title": "Cancel the rest",
        "batch": batch,
        "counts": counts,
        "done": counts.number(ItemState.DONE),
        "can_cancel": queries.can(batch, Move.CANCEL),
        "name": LOOKS[batch.kind].name(batch.what),
        "copies": [curl(request, f"/saga-batches/{batch.id}/cancellation")],
    }
    part = "#dialog" if fragment.asked_for(request) == "dialog" else ""
    return render(request, f"sagas/batch_cancel.html{part}", context)


def _typed_right(request: HttpRequest, batch: Batch) -> bool:
    """Whether the number was typed; with or without the marks between thousands."""
    typed = request.POST.get("number", "").strip().replace(",", "")[:NUMBER_DIGITS_MAX]
    return typed.isascii() and typed.isdecimal() and int(typed) == queries.counts_of(batch).total


def _page(request: HttpRequest, batch_id: UUID, *, refused: Refused | None = None) -> HttpResponse:
    batch = queries.one(batch_id, kinds=LOOKS)
    look, counts = LOOKS[batch.kind], queries.counts_of(batch)
    shell.place(request, look.home[0].partition(":")[0])
    state, now = State(batch.state), histories.database_now()
    old = now - batch.created_at > queries.FRESH
    planned, acts = state is State.PLANNED, access.may(access.actor_of(request), look.kind.right)
    items = _items(request, batch, look, planned=planned)
    context: dict[str, Any] = {
        "title": f"{look.name(batch.what)}: {look.kind.counted(counts.total)}",
        "batch": batch,
        "home": look.home,
        "name": look.name(batch.what),
        "means": look.means(batch.what),
        "concerned": look.kind.counted(counts.total),
        "one": look.kind.one,
        "many": look.kind.many,
        "asked": look.asked(batch.filter),
        "shown": progress.shown(state, counts),
        "planned": planned,
        "running": state is State.RUNNING,
        "still": batch in queries.still(now),
        "old": planned and old,
        "can_start": planned and not old and counts.total > 0,
        "fresh_until": batch.created_at + queries.FRESH,
        "acts": acts,
        "can_cancel": acts and queries.can(batch, Move.CANCEL),
        "final": look.final(batch.what),
        "follows": queries.following_of(batch) if planned else [],
        "left_out": sum(group["count"] for group in batch.left_out),
        "groups": [_linked(group, look) for group in batch.left_out],
        "now_all": [] if planned else looks.summed(look.now(queries.targets(batch, state=ItemState.DONE))),
        "again": look.again(batch) if acts else "",
        "refused": refused,
        "typed": {name: request.POST.get(name, "").replace("\x00", "")[:REASON_KEPT] for name in ("reason", "number")},
        "copies": look.copies(request, batch) if acts else [],
        **items,
    }
    seen = [
        state,
        counts.as_json(),
        context["can_start"],
        context["still"],
        context["now_all"],
        items["seen"],
        refused and str(refused),
    ]
    status = refused.status if refused else 200
    return fragment.page(request, "sagas/batch.html", context, regions={"batch": seen}, status=status)


def _items(request: HttpRequest, batch: Batch, look: Look, *, planned: bool) -> dict[str, Any]:
    wanted = request.GET.get("state", "")
    wanted = wanted if wanted in set(ItemState) else ""
    after = request.GET.get("after", "")
    number = int(after) if after.isascii() and after.isdecimal() and len(after) <= NUMBER_DIGITS_MAX else 0
    found, more = queries.items(batch, state=wanted, after=number, limit=ITEMS_SHOWN)
    by_now: Mapping[str, Now] = {} if planned else look.now([item.target for item in found])
    rows = [_row(item, look, by_now) for item in found]
    return {
        "items": rows,
        "more": more,
        "paged": number > 0,
        "state": wanted,
        "state_word": progress.ITEMS[ItemState(wanted)][1].lower() if wanted else "",
        "seen": [[row.item.number, row.item.state, row.now and row.now.word] for row in rows],
    }


def _row(item: BatchItem, look: Look, by_now: Mapping[str, Now]) -> Row:
    kind, word = progress.ITEMS[ItemState(item.state)]
    return Row(item=item, kind=kind, word=word, link=look.link(item.target), now=by_now.get(item.target))


def _linked(group: Mapping[str, Any], look: Look) -> dict[str, Any]:
    examples = [{**each, "link": look.link(each["target"])} for each in group.get("examples", ())]
    return {**group, "examples": examples, "more": group["count"] - len(examples)}
