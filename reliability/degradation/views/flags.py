"""All flags: what users lose now, and who decided it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from reliability import access
from reliability.console.views.acts import told
from reliability.degradation.domain.precedence import Source
from reliability.degradation.queries import board as queries
from reliability.degradation.queries import fallbacks
from reliability.degradation.queries.board import FlagLook, PolicyLook
from reliability.degradation.views import wording
from reliability.kernel import clock
from reliability.live import fragment


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A flag as the table shows it."""

    look: FlagLook
    shape: str
    word: str
    by: str
    reads: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """A policy as the table shows it."""

    look: PolicyLook
    shape: str
    word: str


@require_safe
@access.requires("degradation.view")
@told
def page(request: HttpRequest) -> HttpResponse:
    """All of them, what hurts most first."""
    found, kept = queries.board(now=clock.SYSTEM.now()), fallbacks.fallbacks()
    rows = [row_of(look) for look in sorted(found.flags, key=wording.order)]
    policies = [policy_row(each) for look in found.flags for each in look.policies]
    actor = access.actor_of(request)
    context: dict[str, Any] = {
        "title": "Degradation",
        "now": found.at,
        "rows": rows,
        "policies": policies,
        "degraded": sum(row.look.standing.level > 0 for row in rows),
        "processes": found.processes,
        "fallbacks": kept,
        "caches": [cache_row(each) for each in kept.caches],
        "may_set": access.may(actor, "degradation.set"),
        "may_clear": access.may(actor, "degradation.clear"),
        "may_policy": access.may(actor, "degradation.policy"),
        "may_release": access.may(actor, "degradation.release"),
    }
    seen = [
        [(row.look.row.name, row.word, row.by, row.reads, row.look.standing.decides.until) for row in rows],
        [(row.look.row.name, row.word, row.look.row.version, row.look.row.waits) for row in policies],
        [(row.cache.name, row.word, row.stale, row.worse, row.cache.answers) for row in context["caches"]],
    ]
    return fragment.page(request, "degradation/flags.html", context, regions={"flags": seen})


def row_of(look: FlagLook) -> Row:
    """Return a flag as it is shown."""
    shape, word = wording.state_of(look)
    decides = look.standing.decides
    by = wording.SOURCES[decides.source]
    if decides.source is not Source.DEFAULT:
        by = f"{by}: {decides.owner or decides.actor}"
    return Row(look=look, shape=shape, word=word, by=by, reads=reads(look))


def reads(look: FlagLook) -> str:
    """Say how often it is read."""
    if not look.reach.is_known:
        return "not known"
    if not look.reach.processes:
        return "nobody"
    per_s = look.reach.per_s
    return f"{per_s:,.0f}/s" if per_s >= 1 else f"{per_s * 60:.0f}/min" if per_s * 60 >= 1 else "seldom"


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRow:
    """A fallback cache as the table shows it."""

    cache: fallbacks.Fallback
    shape: str
    word: str
    stale: str
    worse: str


def cache_row(cache: fallbacks.Fallback) -> CacheRow:
    """Return a fallback cache as it is shown: what users get old, and what they do not get."""
    shape, word = ("warn", "Serves old") if cache.stale_share else ("ok", "Fresh")
    if cache.worse_share:
        shape, word = "crit", "Gives less"
    if not cache.answers:
        shape, word = "unknown", "Not asked"
    return CacheRow(
        cache=cache,
        shape=shape,
        word=word,
        stale=f"{cache.stale_share * 100:.0f} %",
        worse=f"{cache.worse_share * 100:.0f} %",
    )


def policy_row(look: PolicyLook) -> PolicyRow:
    """Return a policy as it is shown."""
    shape, word = wording.policy_state(look)
    return PolicyRow(look=look, shape=shape, word=word)
