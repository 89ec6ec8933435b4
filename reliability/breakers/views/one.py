"""One breaker: why it is as it is, what comes next, its probes, rules, processes and history."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from reliability import access
from reliability.breakers.domain import looks
from reliability.breakers.domain.machine import Override, State
from reliability.breakers.models import Transition
from reliability.breakers.queries import moves, waiting
from reliability.breakers.queries import wall as queries
from reliability.breakers.queries.wall import Look, Wall
from reliability.breakers.views import cards, wording
from reliability.breakers.views import wall as walls
from reliability.breakers.views.cards import Foot
from reliability.console.views.acts import told
from reliability.console.views.copies import curl
from reliability.kernel import clock
from reliability.live import fragment

RULE_WORDS: Final[dict[str, str]] = {
    "window_s": "Window, seconds",
    "minimum": "Calls at least",
    "failure_rate": "Opens at this share of failures",
    "slow_s": "Slow from, seconds",
    "slow_rate": "Opens at this share of slow calls",
    "consecutive": "Or after failures in a row (0: never)",
    "quorum": "Hosts that have to see it",
    "open_s": "Open for, seconds",
    "open_factor": "Each time as long, times",
    "open_max_s": "Open at most, seconds",
    "jitter": "Give or take, share of it",
    "permits": "Probes",
    "permit_s": "A probe is lost after, seconds",
    "ramp": "Then these percents of the traffic",
    "ramp_s": "Spread over, seconds",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """A rule as it is in the code and as it holds."""

    name: str
    label: str
    declared: str
    value: str
    is_changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """A process that has called this breaker."""

    label: str
    service: str
    generation: int
    is_newest: bool
    apart: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRow:
    """A line of the history."""

    at: datetime
    shape: str
    what: str
    why: str
    generation: int


@require_safe
@access.requires("breakers.view")
@told
def page(request: HttpRequest, name: str) -> HttpResponse:
    """One of them."""
    now = clock.SYSTEM.now()
    found = queries.wall(now=now, name=name)
    (look,) = found.looks
    card = cards.card(look, found)
    after = request.GET.get("after", "")
    history = moves.moves(name, after=int(after) if after.isascii() and after.isdecimal() and len(after) < 18 else 0)
    actor = access.actor_of(request)
    context: dict[str, Any] = {
        "title": f"Breaker {name}",
        "now": now,
        "wall": found,
        "look": look,
        "card": card,
        "why": _why(look, card.line),
        "next": _next(look, card.left),
        "waiting": waiting.of(name),
        "figures": looks.figures(look.parts, now=look.now),
        "words": words_of(look),
        "permits": _permits(look),
        "probes": looks.probes(look.machine, look.rules),
        "rules": rule_rows(look),
        "processes": _processes(found, look),
        "behind": walls.processes(found),
        "moves": [_move(row) for row in history.rows],
        "more": history.next,
        "paged": bool(after),
        "may_act": access.may(actor, "breakers.override"),
        "overrides": [
            (kind, act, means) for kind, (_, act, means) in wording.OVERRIDES.items() if kind is not look.override
        ],
        "copies": [curl(request, f"/breakers/{name}", method="GET")],
    }
    seen = [
        card.seen,
        [row.at for row in context["processes"]][:1],
        context["permits"],
        [(row.generation, row.is_newest) for row in context["processes"]],
        [row.at for row in history.rows],
        [row.value for row in context["rules"]],
        bool(found.away),
        context["waiting"],
    ]
    return fragment.page(request, "breakers/breaker.html", context, regions={"breaker": seen})


def rule_rows(look: Look) -> list[RuleRow]:
    """Return the rules of a breaker beside those in its code."""
    holds, declared = asdict(look.rules), asdict(look.declared)
    return [
        RuleRow(
            name=name,
            label=label,
            declared=rule_text(declared[name]),
            value=rule_text(holds[name]),
            is_changed=holds[name] != declared[name],
        )
        for name, label in RULE_WORDS.items()
    ]


def rule_text(value: object) -> str:
    """Return a rule's value as it is typed."""
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _why(look: Look, line: str) -> str:
    if look.override is not Override.NONE:
        word, _, means = wording.OVERRIDES[look.override]
        untold = "" if look.is_told else " The fleet does not know yet: its store does not answer."
        return f"{word} {line}. {means}{untold}"
    reason = look.machine.reason
    if look.machine.state is State.CLOSED:
        return f"It does well: {reason}." if reason else "It does well, and has never been open."
    first = look.machine.cause
    before = f" It opened because {first}." if first and first != reason else ""
    return f"{reason[:1].upper()}{reason[1:]}.{before}"


def _next(look: Look, foot: Foot) -> Foot:
    """What comes next; of one that does well, that nothing does."""
    is_calm = look.override is Override.NONE and look.machine.state is State.CLOSED
    return Foot(text="nothing: it watches its calls") if is_calm else foot


def words_of(look: Look) -> dict[str, str]:
    """Return the figures of a breaker in words."""
    moment = looks.figures(look.parts, now=look.now)
    return {
        "calls": wording.rate(moment.calls_s),
        "failed": wording.percent(moment.share),
        "slow": wording.percent(moment.slow),
        "p99": wording.lasted(moment.p99_s),
        "rejected": wording.rate(moment.rejected_s),
        "openings": str(look.machine.attempt),
    }


def _permits(look: Look) -> list[tuple[str, datetime]]:
    """The probes under way, with the times at which they are lost."""
    if look.machine.state is not State.HALF_OPEN:
        return []
    return [(permit, cards.instant(until)) for permit, until in sorted(look.machine.permits.items())]


def _processes(found: Wall, look: Look) -> list[ProcessRow]:
    rows = [
        ProcessRow(
            label=f"{process.host}:{process.pid}",
            service=process.service,
            generation=process.generations[look.name],
            is_newest=process.generations[look.name] >= look.machine.gen,
            apart=wording.APART.get(process.apart.get(look.name, ""), ""),
            at=cards.instant(process.at),
        )
        for process in found.processes
        if look.name in process.generations
    ]
    return sorted(rows, key=lambda row: (row.is_newest and not row.apart, row.label))


def _move(row: Transition) -> MoveRow:
    shape, word = wording.STATES[State(row.after)]
    before = wording.STATES[State(row.before)][1]
    if row.override:
        shape, what = "paused", wording.OVERRIDES[Override(row.override)][0]
    elif row.before == row.after:
        what = f"{word}: decides by itself again"
    else:
        what = f"{before} → {word}"
    return MoveRow(
        at=row.at,
        shape=shape,
        what=what,
        why=row.reason if row.before != row.after else "",
        generation=row.gen,
    )
