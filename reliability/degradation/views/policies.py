"""A policy: typed in, read as a sentence, tried on what is recorded, then saved; switched and deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from reliability import access, audit
from reliability.console.registry import REGISTRY
from reliability.console.views.acts import told
from reliability.degradation.domain import packing, sentences
from reliability.degradation.domain.policy import Policy as Wanted
from reliability.degradation.models import Flag, Policy
from reliability.degradation.operations import policies
from reliability.degradation.queries import board, history, signals
from reliability.degradation.views.acting import number, reason
from reliability.kernel import clock
from reliability.kernel.errors import Refused
from reliability.live import fragment

RIGHT: Final = "degradation.policy"
TRIED_ON: Final = timedelta(hours=24)
ROWS: Final = 3
NUMBERS: Final = ("enter", "exit", "enter_for_s", "exit_for_s", "fresh_s")
USUAL: Final = {"enter_for_s": "0", "exit_for_s": "10", "fresh_s": "60"}


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires(RIGHT)
@told
def edit(request: HttpRequest, name: str = "") -> HttpResponseBase:
    """Type it; POST tries it (``again``) or saves it."""
    with audit.admitted(RIGHT, actor=access.actor_of(request), target=policies.target(name or "new")):
        row = _row(name) if name else None
    if request.method != "POST":
        body = row.body if row is not None else {"flag": request.GET.get("flag", ""), "level": 1, "conditions": [{}]}
        return _form(request, row, _typed_of(body))
    typed = _typed(request)
    try:
        wanted = packing.policy_read(_body(typed))
        signals.check(wanted)
        if "again" in request.POST:
            return _form(request, row, typed, wanted=wanted)
        saved = policies.save(
            wanted=wanted,
            is_on=request.POST.get("is_on") == "on",
            reason=reason(request),
            actor=access.actor_of(request),
            version=number(request, "version"),
            now=clock.SYSTEM.now(),
        )
    except access.Denied:
        raise
    except Refused as refused:
        return _form(request, row, typed, refused=refused)
    messages.success(request, f"Saved: {saved.name} {'watches its signals' if saved.is_on else 'is switched off'}.")
    return redirect("degradation:flag", saved.flag_id)


@require_POST
@access.requires(RIGHT)
@told
def delete(request: HttpRequest, name: str) -> HttpResponseBase:
    """Delete it; its history stays."""
    actor = access.actor_of(request)
    policies.delete(
        name=name, reason=reason(request), actor=actor, version=number(request, "version"), now=clock.SYSTEM.now()
    )
    messages.success(request, f"{name} is deleted.")
    return redirect("degradation:flags")


def _row(name: str) -> Policy:
    found = Policy.objects.filter(name=name).first() if "\x00" not in name else None
    if found is None:
        raise policies.NoSuchPolicy
    return found


def _form(
    request: HttpRequest,
    row: Policy | None,
    typed: dict[str, Any],
    *,
    wanted: Wanted | None = None,
    refused: Refused | None = None,
) -> HttpResponse:
    now = clock.SYSTEM.now()
    tried = history.dry_run(wanted, begins=now - TRIED_ON, ends=now) if wanted is not None else None
    context: dict[str, Any] = {
        "title": f"Policy {row.name}" if row is not None else "A new policy",
        "now": now,
        "row": row,
        "look": board.policy_look(row) if row is not None else None,
        "typed": typed,
        "flags": list(Flag.objects.order_by("name").values_list("name", "title")),
        "signals": _signals(typed),
        "sentence": sentences.sentence(wanted) if wanted is not None else "",
        "tried": tried,
        "spells": tried.spells[-5:] if tried is not None else (),
        "is_on": request.POST.get("is_on") == "on" if request.method == "POST" else row is None or row.is_on,
        "version": row.version if row is not None else 0,
        "reason": reason(request),
        "refused": refused,
    }
    wanted_part = "degradation/policy.html#dialog" if fragment.asked_for(request) == "dialog" else None
    template = wanted_part or "degradation/policy.html"
    return render(request, template, context, status=refused.status if refused else 200)


def _signals(typed: dict[str, Any]) -> list[tuple[str, str]]:
    """The signals that there are, and those that the policy names although nobody tells them here."""
    known = {signal.name: signal.unit for signal in REGISTRY.signals.values()}
    named = {each.get("signal", "") for each in typed["conditions"]} - known.keys() - {""}
    return sorted([*known.items(), *((name, "not told here") for name in named)])


def _typed(request: HttpRequest) -> dict[str, Any]:
    """What was typed, as texts."""
    texts = {name: _text(request, name) for name in ("name", "flag", "level", "joined", "dwell_s", "flips_per_hour")}
    names = ("signal", "subject", "unit", *NUMBERS)
    count = min(len(request.POST.getlist("signal")), 20)
    columns = {name: [each.replace("\x00", "").strip()[:300] for each in request.POST.getlist(name)] for name in names}
    rows = [{name: columns[name][at] if at < len(columns[name]) else "" for name in names} for at in range(count)]
    return {**texts, "conditions": rows}


def _typed_of(body: dict[str, Any]) -> dict[str, Any]:
    """A policy as the form shows it, with empty rows for more conditions."""
    given = list(body.get("conditions", ()))
    rows = [{**USUAL, **{key: _shown(value) for key, value in each.items()}} for each in given]
    rows += [dict(USUAL) for _ in range(max(0, ROWS - len(rows)))]
    usual = {"name": "", "joined": "any", "dwell_s": "60", "flips_per_hour": "6"}
    return {**usual, **{key: _shown(value) for key, value in body.items() if key != "conditions"}, "conditions": rows}


def _shown(value: object) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    return str(value)


def _body(typed: dict[str, Any]) -> dict[str, Any]:
    """The policy as JSON would say it; a row without a signal is none."""
    rows = [each for each in typed["conditions"] if each["signal"]]
    return {
        "name": typed["name"],
        "flag": typed["flag"],
        "level": _value(typed["level"]),
        "joined": typed["joined"] or "any",
        "dwell_s": _value(typed["dwell_s"]),
        "flips_per_hour": _value(typed["flips_per_hour"]),
        "conditions": [
            {
                "signal": each["signal"],
                "subject": each["subject"],
                "unit": each["unit"],
                **{name: _value(each[name]) for name in NUMBERS if each[name] != ""},
            }
            for each in rows
        ],
    }


def _value(text: str) -> object:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _text(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").replace("\x00", "").strip()[:300]
