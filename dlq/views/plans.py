"""Planning a replay: choose what and how, look at what would happen, approve."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from dlq import forms
from dlq.domain import ramp
from dlq.domain import run as runs
from dlq.domain import scope as scopes
from dlq.domain.plan import Kind, Terms
from dlq.models import ReplayPlan
from dlq.operations import plans, policy, replays
from dlq.queries import replays as queries
from dlq.queries import scopes as scope_queries
from dlq.views import copies, naming, steps, wording
from reliability import access
from reliability.console.views.acts import told
from reliability.kernel import clock

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
    """The dry run: what will be sent, what not and why, and the button that says how many."""
    actor, now = access.actor_of(request), clock.SYSTEM.now()
    plan = queries.visible_plan(plan_id, actor=actor)
    chosen = plans.terms(target=plan.target, rate=plan.rate, failed_limit=plan.failed_limit, include=plan.include)
    context = {
        "title": f"Plan of a replay of {plan.total} letters",
        "now": now,
        "plan": plan,
        "run": getattr(plan, "replay", None),
        "expired": plan.expires_at <= now,
        "scope": naming.of_plan(plan, actor=actor),
        "stop_rule": steps.stop_rule(plan.failed_limit),
        "patience_s": policy.canary_patience_s(),
        "canaries": ramp.CANARY,
        "target_words": wording.target(plan.target),
        "left_out": sum(plan.counts["left_out"].values()),
        "fields": forms.address_of(scopes.parse(plan.scope)),
        "acts": access.may(actor, "letters.replay", topics=plan.topics),
        "copies": _copies(request, plan),
        **_choices(chosen),
    }
    return render(request, "dlq/plan.html", context)


@require_POST
@access.requires("letters.replay")
@told
def approve(request: HttpRequest) -> HttpResponse:
    """Start the run of the very plan that was looked at; a second press leads to the same run."""
    approval = replays.approve(
        plan_id=forms.cursor_of(request.POST.get("plan", "")) or 0,
        plan_hash=request.POST.get("hash", ""),
        reason=request.POST.get("reason", ""),
        actor=access.actor_of(request),
        now=clock.SYSTEM.now(),
    )
    return redirect("dlq:run", approval.replay.pk)


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


def _copies(request: HttpRequest, plan: ReplayPlan) -> list[copies.Copy]:
    limit = {"failed_limit": plan.failed_limit, "include": list(plan.include)}
    drawn = {"scope": plan.scope, "target": plan.target, "rate": plan.rate, **limit}
    approved = {"plan": plan.pk, "hash": plan.hash, "reason": copies.REASON}
    return [
        *copies.of_plan(plan, scopes.parse(plan.scope), account=access.actor_of(request).account),
        copies.curl(request, "/replay-plans", drawn, name="plan"),
        copies.curl(request, "/replays", approved, name="approve this plan"),
    ]
