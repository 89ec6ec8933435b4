"""Planning a replay: choose what and how, look at what would happen, approve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from dlq import forms
from dlq.domain import ramp
from dlq.domain import run as runs
from dlq.domain import scope as scopes
from dlq.domain.plan import Kind, Terms
from dlq.models import ReplayPlan
from dlq.operations import plans, policy, replays
from dlq.queries import arrivals, holding
from dlq.queries import replays as queries
from dlq.queries import scopes as scope_queries
from dlq.views import copies, naming, steps, wording
from reliability import access
from reliability.console.views.acts import told
from reliability.console.views.copies import REASON, Copy, curl
from reliability.kernel import clock
from reliability.kernel.errors import Refused
from reliability.live import fragment

UNSENT = "unsent_reason"  # in the session: the plan whose approval was refused, and the reason that was typed
REASON_KEPT = 1_000  # characters, as many as the field takes
FAILED_LIMITS = (5, 20, 50)  # percent


@require_safe
@access.requires("letters.replay")
@told
def choose(request: HttpRequest) -> HttpResponse:
    """The first step, for links: what would be replayed and how, before anything is counted."""
    scope = forms.scope_of(request.GET)
    scope_queries.check_named(scope, actor=access.actor_of(request))
    context = {
        "title": "Plan a replay",
        "scope": naming.of_scope(scope.as_json(), actor=access.actor_of(request)),
        "fields": forms.address_of(scope),
        **_choices(plans.terms()),
    }
    return render(request, "dlq/choose.html", context)


@require_POST
@access.requires("letters.replay")
@told
def draw(request: HttpRequest) -> HttpResponse:
    """Count and freeze a plan; nothing is sent."""
    plan = plans.draw(
        scope=forms.scope_of(request.POST),
        terms=forms.terms_of(request.POST),
        actor=access.actor_of(request),
        now=clock.SYSTEM.now(),
    )
    return redirect("dlq:plan", plan.pk)


@require_safe
@access.requires("letters.view")
@told
def page(request: HttpRequest, plan_id: int) -> HttpResponse:
    """The dry run: what would be sent, what not and why, and the button that says how many are free now."""
    actor, now = access.actor_of(request), clock.SYSTEM.now()
    plan = queries.visible_plan(plan_id, actor=actor)
    run, expired = getattr(plan, "replay", None), plan.expires_at <= now
    standing = holding.of_plan(plan, actor=actor)
    failures = [group for group, _ in queries.failures_in(plan)]
    recent = arrivals.of_groups(failures, actor=actor, now=now)
    chosen = plans.terms(target=plan.target, rate=plan.rate, failed_limit=plan.failed_limit, include=plan.include)
    unsent = request.session.get(UNSENT, {})
    context = {
        "title": f"Plan of a replay of {plan.total} letters",
        "now": now,
        "plan": plan,
        "run": run,
        "expired": expired,
        "standing": standing,
        "recent": recent,
        "same": "this failure" if len(failures) == 1 else "these failures",
        "taken": bool(plan.total) and not standing.free,
        "can_start": not run and not expired and standing.free > 0,
        "typed": unsent.get("reason", "") if unsent.get("plan") == plan.pk else "",
        "scope": naming.of_plan(plan, actor=actor),
        "stop_rule": steps.stop_rule(plan.failed_limit),
        "patience_s": policy.canary_patience_s(),
        "canaries": ramp.CANARY,
        "target_words": wording.target(plan.target),
        "left_out": sum(plan.counts["left_out"].values()),
        "fields": forms.address_of(scopes.parse(plan.scope)),
        "acts": access.may(actor, "letters.replay", topics=plan.topics),
        **_unreadable(plan, failures, actor=actor),
        "copies": _copies(request, plan),
        **_choices(chosen),
    }
    held = [(each.run.pk, each.run.state, each.letters) for each in standing.holders]
    regions = {
        "plan": [run and run.pk, expired, standing.free, held],
        "cause": [recent.count, recent.newest_at, context["can_start"]],
    }
    return fragment.page(request, "dlq/plan.html", context, regions=regions)


@require_POST
@access.requires("letters.replay")
@told
def approve(request: HttpRequest) -> HttpResponse:
    """Start the run of the very plan that was looked at; a second press leads to the same run and says so."""
    plan_id, reason = forms.cursor_of(request.POST.get("plan", "")) or 0, request.POST.get("reason", "")
    try:
        approval = replays.approve(
            plan_id=plan_id,
            plan_hash=request.POST.get("hash", ""),
            reason=reason,
            actor=access.actor_of(request),
            now=clock.SYSTEM.now(),
        )
    except Refused:
        request.session[UNSENT] = {"plan": plan_id, "reason": reason[:REASON_KEPT]}
        raise
    request.session.pop(UNSENT, None)
    run = approval.replay
    if not approval.created:
        said = f"This plan was approved before, by {run.actor} at {run.created_at:%H:%M:%S} UTC"
        messages.warning(request, f"{said}: your approval started nothing.")
    return redirect("dlq:run", run.pk)


def _unreadable(plan: ReplayPlan, failures: Sequence[int], *, actor: access.Actor) -> dict[str, Any]:
    """Letters that will fail again unless their consumer was changed; when all are such, the ways out stand beside."""
    count = queries.unreadable_in(plan)
    if not count or count < plan.total:
        return {"unreadable": count, "hopeless": False}
    scope = scopes.parse(plan.scope)
    named = scope.ids is None or len(scope.ids) <= copies.IDS_SPELLED_MAX  # more make no address
    may = named and access.may(actor, "letters.discard", topics=plan.topics)
    return {
        "unreadable": count,
        "hopeless": True,
        "discard_url": f"{reverse('dlq:discard')}?{urlencode(forms.address_of(scope))}" if may else "",
        "back_url": reverse("dlq:group", args=failures) if len(failures) == 1 else reverse("dlq:groups"),
    }


def _choices(chosen: Terms) -> dict[str, Any]:
    limit = None if chosen.failed_limit is None else round(chosen.failed_limit * 100)
    return {
        "terms": chosen,
        "kinds": Kind,
        "rate_max": int(ramp.RATE_MAX),
        "limit": limit,
        "limits": sorted({*FAILED_LIMITS, *([limit] if limit is not None else [])}),
        "limit_default": round(runs.FAILED_LIMIT * 100),
        "failures_min": runs.FAILURES_MIN,
    }


def _copies(request: HttpRequest, plan: ReplayPlan) -> list[Copy]:
    limit = {"failed_limit": plan.failed_limit, "include": list(plan.include)}
    drawn = {"scope": plan.scope, "target": plan.target, "rate": plan.rate, **limit}
    approved = {"plan": plan.pk, "hash": plan.hash, "reason": REASON}
    account, this, anew = access.actor_of(request).account, "approve this plan", "draw it anew, send nothing"
    return [
        copies.approval(plan, account=account, name=this),
        curl(request, "/replays", approved, name=this),
        *copies.of_plan(plan, scopes.parse(plan.scope), account=account, name=anew),
        curl(request, "/replay-plans", drawn, name=anew),
    ]
