"""A rule: typed in, read as a sentence with what it would find now, then saved; switched and deleted."""

from __future__ import annotations

import re
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from reliability import access, audit
from reliability.alerts.domain import packing, sentences
from reliability.alerts.domain.rule import Rule as Wanted
from reliability.alerts.domain.rule import Together
from reliability.alerts.evaluator import preview
from reliability.alerts.models import Rule
from reliability.alerts.operations import rules as operations
from reliability.alerts.queries import channels, incidents
from reliability.alerts.queries import rules as queries
from reliability.console.domain.conditions import Look
from reliability.console.registry import REGISTRY
from reliability.console.views.acts import told
from reliability.kernel import clock
from reliability.kernel.errors import Refused
from reliability.live.fragment import asked_for

RIGHT: Final = "alerts.rule"
SHOWN: Final = 5
NUMBERS: Final = ("raise_after_s", "clear_after_s", "remind_after_s")
OF_THINGS: Final = ("raise_after_s", "clear_after_s", "at_least", "at_most")
CONDITION_NUMBERS: Final = ("enter", "exit", "enter_for_s", "exit_for_s", "fresh_s")
TOGETHER: Final = (
    (Together.ROOM, "by page"),
    (Together.RULE, "all together"),
    (Together.THING, "each alone"),
)
FIELDS: Final = {
    "enter": "bad at",
    "enter_for_s": "bad for",
    "exit": "well at",
    "exit_for_s": "well for",
    "raise_after_s": "for",
    "clear_after_s": "over after",
    "remind_after_s": "remind every",
    "at_least": "at least",
    "at_most": "at most",
}
"""What the API calls them, in whose words a rule is refused, and what the form does."""
_STANDS: Final = {
    Look.BAD: "that is bad, and would alert once it has lasted {after}",
    Look.WELL: "that is well, and alerts nobody",
    Look.BETWEEN: "that is neither bad nor well, and changes nothing",
    Look.UNKNOWN: "that tells nothing",
}
_MISSING: Final = re.compile(r"has no (\w+)\.$")
_NAMED: Final = re.compile(rf"\b({'|'.join(FIELDS)})\b")


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires(RIGHT)
@told
def edit(request: HttpRequest, name: str = "") -> HttpResponseBase:
    """Type it; POST says what it would find now (``again``) or saves it."""
    with audit.admitted(RIGHT, actor=access.actor_of(request), target=operations.target(name or "new")):
        row = queries.one(name) if name else None
    if request.method != "POST":
        usual = Wanted(name=name or "new")
        return _form(request, row, row.body if row is not None else {**packing.rule_as_json(usual), "name": ""})
    body = _body(request)
    try:
        wanted = packing.rule_read(body)
        queries.check_signal(wanted)
        if "again" in request.POST:
            return _form(request, row, body, wanted=wanted)
        saved = operations.save(
            wanted=wanted,
            is_on=request.POST.get("is_on") == "on",
            reason=_text(request, "reason"),
            actor=access.actor_of(request),
            version=_version(request),
            now=clock.SYSTEM.now(),
        )
    except access.Denied:
        raise
    except Refused as refused:
        return _form(request, row, body, refused=refused)
    messages.success(request, f"Saved: {saved.name} {'watches' if saved.is_on else 'is switched off'}.")
    return redirect("alerts:board")


@require_POST
@access.requires(RIGHT)
@told
def delete(request: HttpRequest, name: str) -> HttpResponseBase:
    """Delete it: what it raised is over."""
    actor = access.actor_of(request)
    operations.delete(name=name, reason=_text(request, "reason"), actor=actor, version=_version(request))
    messages.success(request, f"{name} is deleted; what it raised is over within seconds.")
    return redirect("alerts:board")


def _form(
    request: HttpRequest,
    row: Rule | None,
    body: dict[str, Any],
    *,
    wanted: Wanted | None = None,
    refused: Refused | None = None,
) -> HttpResponse:
    is_post = request.method == "POST"
    context: dict[str, Any] = {
        "title": f"Rule {row.name}" if row is not None else "A new rule",
        "row": row,
        "typed": _typed(body),
        "condition": _shown(body.get("condition") or {}),
        "rooms": [(slug, incidents.room_title(slug)) for slug in incidents.rooms()],
        "channels": channels.names(),
        "signals": sorted((signal.name, signal.unit) for signal in REGISTRY.signals.values()),
        "together": [(each.value, title) for each, title in TOGETHER],
        "is_on": request.POST.get("is_on") == "on" if is_post else row is None or row.is_on,
        "version": _version(request) if is_post else row.version if row is not None else 0,
        "reason": _text(request, "reason"),
        "sentence": sentences.sentence(wanted) if wanted is not None else "",
        "finds": _finds(wanted, access.actor_of(request)) if wanted is not None else None,
        "refused": refused,
        "refusal": _NAMED.sub(lambda found: f"“{FIELDS[found[0]]}”", str(refused)),
        "wrong": _wrong(str(refused)) if refused is not None else set(),
    }
    part = "alerts/rule.html#dialog" if asked_for(request) == "dialog" else "alerts/rule.html"
    return render(request, part, context, status=refused.status if refused else 200)


def _wrong(sentence: str) -> set[str]:
    """Return the fields that a refusal is about; where it says which one is missing, that one alone."""
    missing = _MISSING.search(sentence)
    return {missing[1]} if missing else set(_NAMED.findall(sentence))


def _typed(body: dict[str, Any]) -> dict[str, Any]:
    """A rule as the form shows it: what is not said is as usual."""
    return _shown({**packing.rule_as_json(Wanted(name="new")), **body})


def _shown(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _number(value) if isinstance(value, float) else value for name, value in values.items()}


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def _finds(wanted: Wanted, actor: access.Actor) -> dict[str, Any]:
    """What the rule would look at now: nothing is raised and nobody is told."""
    found = preview.preview(wanted, actor=actor)
    more = max(0, len(found.things) - SHOWN)
    if found.heard is not None:
        condition, reading = found.heard.condition, found.heard.reading
        if reading is None:
            text = f"{condition.named} cannot be told now: nothing begins to alert until it can. Is its name right?"
        else:
            would = _STANDS[found.heard.stands].format(after=sentences.span(condition.enter_for_s or 1.0))
            text = f"{condition.named} is {condition.told(reading.value)} now: {would}."
        return {"text": text, "things": [], "more": 0}
    incidents_count = len({each.key for each in found.things})
    text = f"It finds {len(found.things)} now, which would be {incidents_count} of its incidents."
    return {"text": text, "things": [each.seen for each in found.things[:SHOWN]], "more": more}


def _body(request: HttpRequest) -> dict[str, Any]:
    """The rule as JSON would say it."""
    body: dict[str, Any] = {"name": _text(request, "name")}
    body |= {name: _value(_text(request, name)) for name in NUMBERS if _text(request, name)}
    body |= {
        name: _text(request, name) for name in ("severity", "at_least", "at_most", "together") if _text(request, name)
    }
    body["channels"] = _list(request, "channels")
    if request.POST.get("watches") == "signal":
        condition: dict[str, Any] = {name: _text(request, name) for name in ("signal", "subject", "unit")}
        known = {signal.name: signal.unit for signal in REGISTRY.signals.values()}
        condition["unit"] = condition["unit"] or known.get(condition["signal"], "")[:20]
        numbers = {name: _value(_text(request, name)) for name in CONDITION_NUMBERS if _text(request, name)}
        # What the form does not show then is not asked for, and refuses nothing.
        return {name: value for name, value in body.items() if name not in OF_THINGS} | {
            "condition": condition | numbers
        }
    return {**body, "rooms": _list(request, "rooms"), "things": _text(request, "things")}


def _list(request: HttpRequest, name: str) -> list[str]:
    return [each.replace("\x00", "")[:100] for each in request.POST.getlist(name)[:50] if each]


def _value(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _text(request: HttpRequest, name: str) -> str:
    limit = 2_000 if name == "reason" else 300
    return request.POST.get(name, "").replace("\x00", "").strip()[: limit + 1]


def _version(request: HttpRequest) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
