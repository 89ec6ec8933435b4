"""Acts on a flag: set a level for a while, let it last longer, take it back; have a policy decide again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from reliability import access, audit
from reliability.console.views.acts import told
from reliability.console.views.copies import REASON, Copy, curl
from reliability.degradation.operations import levels, policies
from reliability.degradation.queries import board
from reliability.degradation.queries.board import FlagLook
from reliability.degradation.views import flags
from reliability.kernel import clock
from reliability.kernel.command_line import spelled
from reliability.kernel.errors import Refused
from reliability.live import fragment

LASTS: Final = ((5, "5 minutes"), (30, "30 minutes"), (120, "2 hours"), (480, "8 hours"), (1_440, "a day"))
"""Minutes, and how the form calls them."""
USUAL: Final = 30


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires("degradation.set")
@told
def set_level(request: HttpRequest, name: str) -> HttpResponseBase:
    """Which level, for how long and why; POST sets it."""
    refused: Refused | None = None
    if request.method == "POST":
        try:
            row = levels.set_level(
                flag=name,
                level=number(request, "level"),
                lasts=timedelta(minutes=minutes(request)),
                reason=reason(request),
                actor=access.actor_of(request),
                version=number(request, "version"),
                now=clock.SYSTEM.now(),
            )
            messages.success(request, f"Set: {name} is at level {row.level}, and returns by itself.")
            return redirect("degradation:flag", name)
        except access.Denied:
            raise
        except Refused as error:
            refused = error
    look = _look(request, name, "degradation.set")
    asked = request.POST.get("level", request.GET.get("level", ""))
    chosen = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 3 else look.standing.level or 1
    context = {"what": "set", "levels": list(enumerate(look.held.declaration.levels)), "chosen": chosen}
    return _form(request, look, context, refused)


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires("degradation.extend")
@told
def extend(request: HttpRequest, name: str) -> HttpResponseBase:
    """For how long from now and why; POST does it."""
    refused: Refused | None = None
    if request.method == "POST":
        try:
            levels.extend(
                flag=name,
                lasts=timedelta(minutes=minutes(request)),
                reason=reason(request),
                actor=access.actor_of(request),
                version=number(request, "version"),
                now=clock.SYSTEM.now(),
            )
            messages.success(request, "It lasts longer.")
            return redirect("degradation:flag", name)
        except access.Denied:
            raise
        except Refused as error:
            refused = error
    return _form(request, _look(request, name, "degradation.extend"), {"what": "extend"}, refused)


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires("degradation.clear")
@told
def clear(request: HttpRequest, name: str) -> HttpResponseBase:
    """What decides then; POST takes the level back."""
    refused: Refused | None = None
    if request.method == "POST":
        try:
            levels.take_back(
                flag=name,
                reason=reason(request),
                actor=access.actor_of(request),
                version=number(request, "version"),
                now=clock.SYSTEM.now(),
            )
            messages.success(request, "Taken back.")
            return redirect("degradation:flag", name)
        except access.Denied:
            raise
        except Refused as error:
            refused = error
    return _form(request, _look(request, name, "degradation.clear"), {"what": "clear"}, refused)


@require_POST
@access.requires("degradation.release")
@told
def release(request: HttpRequest, name: str) -> HttpResponseBase:
    """Have a policy that asked for a person decide again."""
    row = policies.release(
        name=name,
        reason=reason(request) or "looked at it",
        actor=access.actor_of(request),
        version=number(request, "version"),
        now=clock.SYSTEM.now(),
    )
    messages.success(request, f"{name} decides again, with a whole budget of changes.")
    return redirect("degradation:flag", row.flag_id)


def _look(request: HttpRequest, name: str, act: str) -> FlagLook:
    with audit.admitted(act, actor=access.actor_of(request), target=levels.target(name)):
        return board.one(name, now=clock.SYSTEM.now())


def _form(request: HttpRequest, look: FlagLook, context: dict[str, Any], refused: Refused | None) -> HttpResponse:
    what = context["what"]
    full = {
        "title": look.held.declaration.title,
        "now": clock.SYSTEM.now(),
        "look": look,
        "row": flags.row_of(look),
        "why": look.standing.why,
        "impact": look.reach.sentence,
        "where": look.reach.where,
        "lasts": LASTS,
        "minutes": minutes(request) or USUAL,
        "reason": reason(request),
        "refused": refused,
        "copies": _copies(request, look, what, context.get("chosen", 1)),
        **context,
    }
    wanted = "degradation/act.html#dialog" if fragment.asked_for(request) == "dialog" else "degradation/act.html"
    return render(request, wanted, full, status=refused.status if refused else 200)


def _copies(request: HttpRequest, look: FlagLook, what: str, level: int) -> list[Copy]:
    name, account = look.row.name, access.actor_of(request).account
    words = ["degradation", what, name, *([str(level)] if what == "set" else [])]
    words += ["--minutes", str(USUAL)] if what != "clear" else []
    return [
        curl(request, f"/degradation/flags/{name}", method="GET"),
        Copy(name="command line", text=spelled(*words, "--reason", REASON, "--as", account)),
    ]


def minutes(request: HttpRequest) -> int:
    """Minutes of the form; 0, which is refused, for what is none of its choices."""
    text = request.POST.get("minutes", "")
    return int(text) if text in {str(each) for each, _ in LASTS} else 0


def number(request: HttpRequest, name: str) -> int:
    """A number of the form; -1, which is refused, for what is none."""
    text = request.POST.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1


def reason(request: HttpRequest) -> str:
    """The reason as it was typed."""
    return request.POST.get("reason", "").replace("\x00", "")
