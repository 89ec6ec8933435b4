"""One flag: what users lose now and why, who says what, who reads it, what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from reliability import access
from reliability.console.domain.conditions import Look, Run
from reliability.console.views.acts import told
from reliability.console.views.copies import curl
from reliability.degradation.domain.precedence import Entry, Source
from reliability.degradation.models import Change
from reliability.degradation.models.history import Kind
from reliability.degradation.queries import board, history
from reliability.degradation.queries.board import FlagLook, PolicyLook
from reliability.degradation.views import flags, windows, wording
from reliability.kernel import clock
from reliability.live import fragment

HISTORY_SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A word on the level; ``decides``: it is in force, else something stronger is."""

    entry: Entry
    source: str
    level: str
    decides: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A signal of a policy as it was looked at last."""

    named: str
    value: str
    look: str
    since: datetime | None
    threshold: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the history."""

    at: datetime
    shape: str
    what: str
    levels: str
    why: str
    facts: str
    who: str


@require_safe
@access.requires("degradation.view")
@told
def page(request: HttpRequest, name: str) -> HttpResponse:
    """One of them."""
    now = clock.SYSTEM.now()
    look = board.one(name, now=now)
    row = flags.row_of(look)
    actor = access.actor_of(request)
    declared = look.held.declaration
    changes = history.changes(flag=name, limit=HISTORY_SHOWN)
    policies = [(flags.policy_row(each), signals(each, now=now)) for each in look.policies]
    context: dict[str, Any] = {
        "title": declared.title,
        "now": now,
        "look": look,
        "row": row,
        "level": look.level,
        "why": look.standing.why,
        "until": look.standing.decides.until,
        "next": look.standing.changes_at,
        "after": _after(look),
        "levels": list(enumerate(declared.levels)),
        "said": _said(look),
        "policies": policies,
        "windows": [(row, windows.in_words(row)) for row in look.row.windows.order_by("name")],
        "may_schedule": access.may(actor, "degradation.schedule"),
        "lines": [_line(change, look) for change in changes],
        "by_hand": look.standing.decides.source is Source.OPERATOR,
        "may_set": access.may(actor, "degradation.set"),
        "may_clear": access.may(actor, "degradation.clear"),
        "may_extend": access.may(actor, "degradation.extend"),
        "may_release": access.may(actor, "degradation.release"),
        "may_policy": access.may(actor, "degradation.policy"),
        "copies": [curl(request, f"/degradation/flags/{name}", method="GET")],
    }
    seen = [
        row.word,
        row.by,
        row.reads,
        look.row.version,
        [change.pk for change in changes],
        [(each.look.row.version, each.look.row.waits, each.word, told) for each, told in policies],
        look.reach,
        [(row.pk, row.version) for row, _ in context["windows"]],
    ]
    return fragment.page(request, "degradation/flag.html", context, regions={"flag": seen})


def signals(look: PolicyLook, *, now: datetime) -> list[Signal]:
    """Return a policy's signals with the values that it saw last."""
    if look.wanted is None:
        return []
    runs = look.state.runs or tuple(Run() for _ in look.wanted.conditions)
    found = []
    for condition, run in zip(look.wanted.conditions, runs, strict=False):
        state = run.seen(condition, now=now)
        above = "≥" if condition.high_is_bad else "≤"
        found.append(
            Signal(
                named=condition.named,
                value=condition.told(run.value) if run.value is not None else "—",
                look=str(state),
                since=run.since if state is not Look.UNKNOWN else None,
                threshold=f"bad {above} {condition.told(condition.enter)}",
            )
        )
    return found


def _said(look: FlagLook) -> list[Said]:
    levels = look.held.declaration.levels
    return [
        Said(
            entry=entry,
            source=wording.SOURCES[entry.source],
            level=f"{entry.level} · {levels[look.held.declaration.known(entry.level)].name}",
            decides=at == 0,
        )
        for at, entry in enumerate((look.standing.decides, *look.standing.shadows))
    ]


def _after(look: FlagLook) -> str:
    """What decides when the word in force is over."""
    shadows = look.standing.shadows
    if look.standing.decides.until is None or not shadows:
        return ""
    following = shadows[0]
    levels = look.held.declaration.levels
    name = levels[look.held.declaration.known(following.level)].name
    return f"then level {following.level} ({name}), {wording.SOURCES[following.source]}"


def _value(fact: object) -> str:
    """A signal's value at that moment, as it was written down."""
    if isinstance(fact, dict) and isinstance(fact.get("value"), int | float):
        return f"{fact['value']:g} {fact.get('unit', '')}".strip()
    return str(fact)


def _line(change: Change, look: FlagLook) -> Line:
    shape, what = wording.KINDS[Kind(change.kind)]
    moved = f"{change.before} → {change.after}" if change.before != change.after else f"stays at {change.after}"
    values = [f"{name} {_value(value)}" for name, value in change.facts.items()]
    owner = f" ({change.owner})" if change.owner else ""
    return Line(
        at=change.at,
        shape=shape,
        what=f"{what}{owner}",
        levels=moved,
        why=change.why,
        facts=", ".join(values),
        who=change.actor,
    )
