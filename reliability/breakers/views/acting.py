"""Acts on a breaker: decide for it for a while, take that back, change its rules, reset it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from reliability import access, audit
from reliability.breakers.domain.dry_run import Outcome, dry_run
from reliability.breakers.domain.machine import Override
from reliability.breakers.domain.rules import WrongRules
from reliability.breakers.operations import acting
from reliability.breakers.queries import moves
from reliability.breakers.queries import wall as queries
from reliability.breakers.queries.wall import Look, Wall
from reliability.breakers.views import one, wording
from reliability.console.views.acts import told
from reliability.console.views.copies import REASON, Copy, curl
from reliability.kernel import clock
from reliability.kernel.command_line import spelled
from reliability.kernel.errors import Refused
from reliability.live import fragment

LASTS: Final = ((5, "5 minutes"), (15, "15 minutes"), (60, "an hour"), (240, "4 hours"), (1_440, "a day"))
"""Minutes, and how the form calls them."""
USUAL: Final = 15
UNTOLD: Final = "It is written down; the fleet is told of it as soon as its store answers."


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires(acting.OVERRIDE)
@told
def override(request: HttpRequest, name: str) -> HttpResponseBase:
    """Which, for how long and why; POST does it."""
    if request.method != "POST":
        return _override_form(request, name)
    kind = request.POST.get("kind", "")
    try:
        said = acting.override(
            name,
            Override(kind) if kind in set(Override) else Override.NONE,
            lasts=timedelta(minutes=_minutes(request)),
            number=_number(request, "number"),
            actor=access.actor_of(request),
            reason=_reason(request),
            now=clock.SYSTEM.now(),
        )
    except access.Denied:
        raise
    except Refused as refused:
        return _override_form(request, name, refused=refused)
    word = wording.OVERRIDES[Override(said.breaker.override)][0]
    _say(request, said, f"{word} until {said.breaker.override_until:%H:%M:%S} UTC; then it decides by itself again.")
    return redirect("breakers:breaker", name)


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires(acting.OVERRIDE)
@told
def take_back(request: HttpRequest, name: str) -> HttpResponseBase:
    """Why; POST has it decide by itself again."""
    refused: Refused | None = None
    if request.method == "POST":
        try:
            said = acting.take_back(
                name,
                number=_number(request, "number"),
                actor=access.actor_of(request),
                reason=_reason(request),
                now=clock.SYSTEM.now(),
            )
            _say(request, said, "It decides by itself again.")
            return redirect("breakers:breaker", name)
        except access.Denied:
            raise
        except Refused as error:
            refused = error
    _, look = _look(request, name, acting.OVERRIDE)
    context = {
        "name": "Take back",
        "means": f"By itself it is {wording.STATES[look.machine.state][1].lower()}, and it goes on from there.",
        "copies": _copies(request, name, "take-back", {"number": look.row.override_number}, method="DELETE"),
    }
    return _form(request, look, "breakers/simple.html", context, refused)


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires(acting.RESET)
@told
def reset(request: HttpRequest, name: str) -> HttpResponseBase:
    """Why; POST closes it as if nothing had happened."""
    refused: Refused | None = None
    if request.method == "POST":
        gen = _number(request, "generation")
        try:
            acting.reset(name, gen=gen, actor=access.actor_of(request), reason=_reason(request))
            messages.success(request, "Reset: it is closed, and counts from nothing.")
            return redirect("breakers:breaker", name)
        except access.Denied:
            raise
        except Refused as error:
            refused = error
    _, look = _look(request, name, acting.RESET)
    context = {
        "name": "Reset",
        "means": "It is closed at once, all calls are made, and what was counted is forgotten. If the other side is "
        "still in trouble it opens again, as for the first time.",
        "copies": _copies(request, name, "reset", {"generation": look.machine.gen}),
    }
    return _form(request, look, "breakers/simple.html", context, refused)


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires(acting.RULES)
@told
def rules(request: HttpRequest, name: str) -> HttpResponseBase:
    """Other thresholds and times, tried on what is on record first; POST has them hold."""
    refused: Refused | None = None
    if request.method == "POST" and "again" not in request.POST:
        try:
            said = acting.change_rules(
                name,
                _typed(request),
                version=_number(request, "version"),
                actor=access.actor_of(request),
                reason=_reason(request),
                now=clock.SYSTEM.now(),
            )
            _say(request, said, "The rules hold from now on, in every process.")
            return redirect("breakers:breaker", name)
        except access.Denied:
            raise
        except Refused as error:
            refused = error
    _, look = _look(request, name, acting.RULES)
    wrong, tried = "", look.rules
    try:
        tried = look.declared.with_changes(_typed(request)) if request.method == "POST" else look.rules
    except (WrongRules, Refused) as error:
        wrong = str(error)
    recorded = moves.recorded(name, now=clock.SYSTEM.now())
    sent = {row.name: request.POST.get(row.name, row.value) for row in one.rule_rows(look)}
    changes = {key: value for key, value in asdict(tried).items() if value != asdict(look.declared)[key]}
    context = {
        "rows": [(row, sent[row.name]) for row in one.rule_rows(look)],
        "wrong": wrong if refused is None else "",
        "now_made": _estimate(dry_run(recorded, look.rules)),
        "would_make": _estimate(dry_run(recorded, tried)) if not wrong else "",
        "openings": dry_run(recorded, tried).openings[-5:] if not wrong else (),
        "has_changes": look.row.rules != {},
        "is_tried": tried != look.rules,
        "copies": _copies(request, name, "rules", {"rules": changes, "version": look.row.rules_version}, method="PUT"),
    }
    return _form(request, look, "breakers/rules.html", context, refused)


def _override_form(request: HttpRequest, name: str, *, refused: Refused | None = None) -> HttpResponse:
    _, look = _look(request, name, acting.OVERRIDE)
    asked = request.POST.get("kind", request.GET.get("kind", str(look.override)))
    kind = asked if asked in wording.OVERRIDES else ""
    context = {
        "kinds": [(each, act, means) for each, (_, act, means) in wording.OVERRIDES.items()],
        "kind": kind,
        "lasts": LASTS,
        "minutes": _minutes(request) or USUAL,
        "impact": _impact(look),
        "copies": _copies(
            request,
            name,
            str(kind) or "forced_open",
            {"override": str(kind) or "forced_open", "minutes": USUAL, "number": look.row.override_number},
            method="PUT",
        ),
    }
    return _form(request, look, "breakers/override.html", context, refused)


def _impact(look: Look) -> str:
    """How many calls it is about."""
    words = one.words_of(look)
    return f"{words['calls']} of calls are made now, {words['rejected']} are kept back; {words['failed']} fail."


def _estimate(outcome: Outcome) -> str:
    times = len(outcome.openings)
    if not outcome.calls:
        return "nothing is on record of the last 24 hours"
    if not times:
        return "never open in the last 24 hours"
    told = "once" if times == 1 else f"{times:,} times"
    return f"open {told} in the last 24 hours, {outcome.open_s:,} s in all; {outcome.kept_back:,} calls kept back"


def _form(
    request: HttpRequest, look: Look, template: str, context: dict[str, Any], refused: Refused | None
) -> HttpResponse:
    shape, word = wording.state_of(look)
    full = {
        "title": f"{look.name}",
        "look": look,
        "shape": shape,
        "word": word,
        "until": look.override_until if look.override is not Override.NONE else None,
        "refused": refused,
        "reason": _reason(request),
        "now": clock.SYSTEM.now(),
        **context,
    }
    wanted = f"{template}#dialog" if fragment.asked_for(request) == "dialog" else template
    return render(request, wanted, full, status=refused.status if refused else 200)


def _look(request: HttpRequest, name: str, act: str) -> tuple[Wall, Look]:
    with audit.admitted(act, actor=access.actor_of(request), target=acting.target(name)):
        found = queries.wall(now=clock.SYSTEM.now(), name=name)
    return found, found.looks[0]


def _typed(request: HttpRequest) -> dict[str, object]:
    """The rules as they were typed, numbers as numbers."""
    return {name: _value(request.POST[name]) for name in one.RULE_WORDS if request.POST.get(name, "").strip() != ""}


def _value(text: str) -> object:
    text = text.replace("\x00", "").strip()[:200]
    if "," in text:
        return [_value(each) for each in text.split(",")]
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def _say(request: HttpRequest, said: acting.Said, sentence: str) -> None:
    if said.is_told:
        messages.success(request, sentence)
    else:
        messages.warning(request, UNTOLD)


def _minutes(request: HttpRequest) -> int:
    """Minutes of the form; 0, which is refused, for what is none of its choices."""
    text = request.POST.get("minutes", "")
    return int(text) if text in {str(minutes) for minutes, _ in LASTS} else 0


def _number(request: HttpRequest, name: str) -> int:
    """A version that was looked at; -1, which none has, for what is no number."""
    text = request.POST.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else -1


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").replace("\x00", "")


def _copies(request: HttpRequest, name: str, what: str, body: dict[str, Any], *, method: str = "POST") -> list[Copy]:
    paths = {"reset": "reset", "rules": "rules"}
    account = access.actor_of(request).account
    words = ["breakers", what.replace("_", "-"), name]
    words += ["--minutes", str(body["minutes"])] if "minutes" in body else []
    for key, value in (body.get("rules") or {}).items():
        words += [f"{key}={one.rule_text(value).replace(' ', '')}"]
    return [
        curl(request, f"/breakers/{name}/{paths.get(what, 'override')}", {**body, "reason": REASON}, method=method),
        Copy(name="command line", text=spelled(*words, "--reason", REASON, "--as", account)),
    ]
