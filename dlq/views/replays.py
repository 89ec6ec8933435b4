"""Runs: the list, one run with its progress and items, and what an operator does with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dlq import forms
from dlq.domain.item import ItemState
from dlq.domain.run import ENDED, RunState
from dlq.models import Letter, Replay, ReplayItem
from dlq.operations import items as item_operations
from dlq.operations import replays as operations
from dlq.queries import letters as letter_queries
from dlq.queries import replays as queries
from dlq.queries import scopes
from dlq.views import copies, naming, plans, progress, steps, wording
from outbox import queries as outbox_queries
from reliability import access
from reliability.console.views.acts import told
from reliability.console.views.copies import Copy, curl
from reliability.kernel import clock
from reliability.live import fragment

ITEMS_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """An item as the table shows it."""

    pk: int
    letter_id: int
    new_letter_id: int | None
    name: str
    kind: str
    word: str
    receipt: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run as the list shows it."""

    run: Replay
    shown: progress.Shown
    scope: list[naming.Part]


@access.requires("letters.view")
def listed(request: HttpRequest) -> HttpResponse:
    """Every run that the reader may see, newest first."""
    before = forms.cursor_of(request.GET.get("before", ""))
    state = request.GET.get("state", "")
    found = queries.replays(
        actor=access.actor_of(request), before=before, state=state if state in list(RunState) else ""
    )
    names = naming.of_runs(found.rows, actor=access.actor_of(request))
    rows = [_run_row(run, scope) for run, scope in zip(found.rows, names, strict=True)]
    context = {
        "title": "Replays",
        "rows": rows,
        "older": found.next_before,
        "before": before,
        "state": state,
        "states": {str(each): progress.RUN_WORDS[each][1] for each in RunState},
    }
    seen = [(row.run.pk, row.run.state, row.run.counts) for row in rows]
    return fragment.page(request, "dlq/replays.html", context, regions={"rows": seen})


@require_safe
@access.requires("letters.view")
@told
def run_page(request: HttpRequest, replay_id: int) -> HttpResponse:
    """One run: figures, ramp, what was approved, its items."""
    actor = access.actor_of(request)
    run = queries.visible_replay(replay_id, actor=actor)
    state = request.GET.get("state", "")
    state = state if state in list(ItemState) else ""
    found, after = queries.items(
        run, state=state, after=forms.cursor_of(request.GET.get("cursor", "")), limit=ITEMS_SHOWN
    )
    known = item_operations.progress(run)
    rows = _rows(found, actor=actor)
    shown, acts = progress.shown(run, known), access.may(actor, "letters.replay", topics=run.topics)
    may_retry = acts and shown.over and shown.failed > 0
    retry = scopes.failed_and_open(run.pk, visible=access.visible_topics(actor)) if may_retry else 0
    context = {
        "title": f"Replay #{run.pk}",
        "now": clock.SYSTEM.now(),
        "run": run,
        "shown": shown,
        "steps": steps.steps(run, known, queries.legs(run)),
        "stop_rule": steps.stop_rule(run.failed_limit),
        "so_far": steps.so_far(run, known),
        "items": rows,
        "older": after,
        "newer": "cursor" in request.GET,
        "state": state,
        "state_word": progress.ITEM_WORDS[state][1].lower() if state else "",
        "scope": naming.of_runs([run], actor=actor)[0],
        "target_words": wording.target(run.target),
        "warnings": queries.plan(run.plan_id).warnings if run.plan_id else [],
        "groupless": known.groupless,
        "acts": acts,
        "retry": retry,
        "copies": _copies(request, run),
        "standstill": _standstill(run),
    }
    seen = [run.state, run.counts, run.ramp_note, run.rate, run.stop_reason, context["steps"], rows, retry]
    seen.append(context["standstill"])
    return fragment.page(request, "dlq/run.html", context, regions={"run": seen})


@require_http_methods(["GET", "HEAD", "POST"])
def runs(request: HttpRequest) -> HttpResponseBase:
    """The collection: GET lists the runs, POST approves a plan and so makes one."""
    return plans.approve(request) if request.method == "POST" else listed(request)


@require_POST
@access.requires("letters.replay_pause")
@told
def pause(request: HttpRequest, replay_id: int) -> HttpResponse:
    """Send nothing more for now."""
    done = operations.pause(replay_id=replay_id, actor=access.actor_of(request), now=clock.SYSTEM.now())
    messages.info(request, f"Paused. {_on_the_way(done)}")
    return redirect("dlq:run", replay_id)


@require_POST
@access.requires("letters.replay_resume")
@told
def resume(request: HttpRequest, replay_id: int) -> HttpResponse:
    """Go on where it stands."""
    operations.resume(replay_id=replay_id, actor=access.actor_of(request), now=clock.SYSTEM.now())
    return redirect("dlq:run", replay_id)


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires("letters.replay_cancel")
@told
def cancel(request: HttpRequest, replay_id: int) -> HttpResponse:
    """Ask what stopping means here, then stop for good."""
    actor = access.actor_of(request)
    if request.method == "POST":
        done = operations.cancel(replay_id=replay_id, actor=actor, now=clock.SYSTEM.now())
        messages.info(request, f"Stopped: {done.withdrawn:,} taken back and open again. {_on_the_way(done)}")
        return redirect("dlq:run", replay_id)
    run = queries.visible_replay(replay_id, actor=actor)
    context = {
        "title": f"Stop replay #{run.pk}",
        "run": run,
        "shown": progress.shown(run, item_operations.progress(run)),
        "copies": [curl(request, f"/replays/{run.pk}/cancellation")],
    }
    template = "dlq/cancel.html#dialog" if fragment.asked_for(request) == "dialog" else "dlq/cancel.html"
    return render(request, template, context)


@require_POST
@access.requires("letters.replay_rate")
@told
def change_rate(request: HttpRequest, replay_id: int) -> HttpResponse:
    """Send faster or slower from now on."""
    operations.change_rate(
        replay_id=replay_id,
        rate=forms.number_of(request.POST.get("rate", "")),
        actor=access.actor_of(request),
        now=clock.SYSTEM.now(),
    )
    return redirect("dlq:run", replay_id)


@require_POST
@access.requires("letters.settle")
@told
def choose_group(request: HttpRequest, replay_id: int) -> HttpResponse:
    """Say which consumer group processes items whose letters name none."""
    operations.choose_group(
        replay_id=replay_id,
        group=request.POST.get("group", ""),
        reason=request.POST.get("reason", ""),
        actor=access.actor_of(request),
        now=clock.SYSTEM.now(),
    )
    return redirect("dlq:run", replay_id)


def _standstill(run: Replay) -> str:
    """Why what the run queues does not leave, "" when it does or there is no more of it."""
    if run.state in ENDED:
        return ""
    paused, of = outbox_queries.paused_shards()
    return progress.standstill(paused=paused, of=of, halted=bool(outbox_queries.halted()))


def _run_row(run: Replay, scope: list[naming.Part]) -> RunRow:
    shown = progress.shown(run, item_operations.progress(run))
    return RunRow(run=run, shown=shown, scope=scope)


def _rows(items: Sequence[ReplayItem], *, actor: access.Actor) -> list[ItemRow]:
    """The items, with the errors of those new letters that the reader may see."""
    known = letter_queries.by_id([item.new_letter_id for item in items if item.new_letter_id], actor=actor)
    masked = {pk for pk, letter in known.items() if not letter_queries.reveals(actor, letter.origin_topic)}
    all_masked = letter_queries.is_masked(actor)
    return [
        _row(item, known.get(item.new_letter_id or 0), mask=item.new_letter_id in masked, mask_item=all_masked)
        for item in items
    ]


def _row(item: ReplayItem, new: Letter | None, *, mask: bool, mask_item: bool) -> ItemRow:
    kind, word = progress.ITEM_WORDS[item.state]
    refused = item.state == ItemState.CANCELLED and item.refused
    return ItemRow(
        pk=item.pk,
        letter_id=item.letter_id,
        new_letter_id=new.pk if new else None,
        name=wording.name(item.letter),
        kind="crit" if refused else kind,
        word="Refused" if refused else word,
        receipt=wording.place(item.sent_topic, item.sent_partition, item.sent_offset) if item.sent_topic else "",
        why=(wording.failure(new, mask=mask) if new else "") or wording.error_of(item, mask=mask_item) or item.proof,
    )


def _on_the_way(done: operations.OnTheWay) -> str:
    queued, sent = done.on_the_way, item_operations.progress(done.replay).of(ItemState.SENT)
    said = []
    if queued:
        said.append(f"{queued:,} {'is' if queued == 1 else 'are'} on the way already and will arrive.")
    if sent:
        said.append(f"{sent:,} {'was' if sent == 1 else 'were'} sent, the outcome is still to come.")
    return " ".join(said) or "Nothing is on its way."


def _copies(request: HttpRequest, run: Replay) -> list[Copy]:
    account = access.actor_of(request).account
    told = [copies.command("replays", str(run.pk), account=account)]
    told += [copies.command(act, str(run.pk), account=account) for act in ("pause", "resume", "cancel")]
    return [
        *told,
        curl(request, f"/replays/{run.pk}", method="GET", name="watch"),
        curl(request, f"/replays/{run.pk}/pause", name="pause"),
        curl(request, f"/replays/{run.pk}/pause", method="DELETE", name="resume"),
        curl(request, f"/replays/{run.pk}/cancellation", name="stop"),
    ]
