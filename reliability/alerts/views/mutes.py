"""Muting: what, for how long and why; taking a mute back; who muted what before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from reliability import access
from reliability.alerts.domain import muting, sentences
from reliability.alerts.domain.muting import Covers
from reliability.alerts.models import Rule
from reliability.alerts.operations import acting
from reliability.alerts.queries import incidents, mutes
from reliability.alerts.views import board
from reliability.console.views.acts import told
from reliability.console.views.copies import REASON, Copy, curl
from reliability.kernel import clock
from reliability.kernel.command_line import spelled
from reliability.kernel.errors import Refused
from reliability.live.fragment import asked_for

LASTS: Final = ((15, "15 minutes"), (60, "an hour"), (240, "4 hours"), (1_440, "a day"), (10_080, "7 days"))
"""Minutes, and how the form calls them."""
USUAL: Final = 60
NUMBER_DIGITS_MAX: Final = 18
COVERS: Final = (
    (Covers.INCIDENT, "This incident"),
    (Covers.RULE, "A rule"),
    (Covers.ROOM, "A page"),
    (Covers.THINGS, "Things by id"),
    (Covers.EVERYTHING, "Everything"),
)


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires("alerts.mute")
@told
def new(request: HttpRequest) -> HttpResponseBase:
    """What and for how long; POST mutes."""
    refused: Refused | None = None
    covers, of = _asked(request)
    if request.method == "POST":
        try:
            made = acting.mute(
                covers=covers,
                of=of,
                lasts=timedelta(minutes=_minutes(request)),
                reason=request.POST.get("reason", "").replace("\x00", ""),
                actor=access.actor_of(request),
                now=clock.SYSTEM.now(),
            )
        except access.Denied:
            raise
        except Refused as error:
            refused = error
        else:
            what = board.mute_row(made).covers
            undo = reverse("alerts:unmute", args=[made.pk])
            messages.success(request, f"Muted until {made.until:%d %b %H:%M} UTC: nobody is told of {what}.", undo)
            if covers is Covers.INCIDENT:
                return redirect("alerts:incident", int(of))
            return redirect("alerts:board")
    return _form(request, covers, of, refused)


@require_POST
@access.requires("alerts.unmute")
@told
def end(request: HttpRequest, number: int) -> HttpResponseBase:
    """Tell again, at once."""
    acting.unmute(number=number, actor=access.actor_of(request), now=clock.SYSTEM.now())
    messages.success(request, "Not muted any more: what stands and nobody has heard of yet is told now.")
    asked_on = request.POST.get("incident", "")
    is_number = asked_on.isascii() and asked_on.isdecimal() and len(asked_on) <= NUMBER_DIGITS_MAX
    return redirect("alerts:incident", int(asked_on)) if is_number else redirect("alerts:board")


@require_safe
@access.requires("alerts.view")
@told
def past(request: HttpRequest) -> HttpResponse:
    """Mutes that are over: who, what, why."""
    now = clock.SYSTEM.now()
    context = {"title": "Mutes", "now": now, "mutes": [board.mute_row(row) for row in mutes.past(now=now)]}
    return render(request, "alerts/mutes.html", context)


def _asked(request: HttpRequest) -> tuple[Covers, str]:
    given = request.POST if request.method == "POST" else request.GET
    word = given.get("covers", "")
    covers = Covers(word) if word in {each.value for each in Covers} else Covers.EVERYTHING
    of = given.get(f"of_{covers.value}", given.get("of", "")).replace("\x00", "").strip()[: acting.OF_CHARS_MAX + 1]
    return covers, "" if covers is Covers.EVERYTHING else of


def _form(request: HttpRequest, covers: Covers, of: str, refused: Refused | None) -> HttpResponse:
    actor = access.actor_of(request)
    numbers = incidents.active(actor=actor)
    context: dict[str, Any] = {
        "title": "Mute",
        "covers": covers.value,
        "of": of,
        "what": sentences.of_mute(muting.Mute(covers=covers, of=of)),
        "choices": _choices(actor, has_incidents=bool(numbers)),
        "incidents": numbers,
        "rules": list(Rule.objects.order_by("name").values_list("name", flat=True)),
        "rooms": [(slug, incidents.room_title(slug)) for slug in incidents.rooms()],
        "lasts": LASTS,
        "minutes": _minutes(request) or USUAL,
        "reason": request.POST.get("reason", "").replace("\x00", ""),
        "refused": refused,
        "copies": _copies(request, covers, of),
    }
    part = "alerts/mute.html#dialog" if asked_for(request) == "dialog" else "alerts/mute.html"
    return render(request, part, context, status=refused.status if refused else 200)


def _choices(actor: access.Actor, *, has_incidents: bool) -> list[tuple[str, str]]:
    """What may be muted: who sees some topics alone mutes single incidents."""
    found = [(each.value, title) for each, title in COVERS if actor.scopes.is_everything or each is Covers.INCIDENT]
    return [each for each in found if each[0] != Covers.INCIDENT.value or has_incidents]


def _copies(request: HttpRequest, covers: Covers, of: str) -> list[Copy]:
    body = {"covers": covers.value, "of": of, "minutes": USUAL, "reason": REASON}
    words = [f"--{covers.value}", *([of] if of else [])]
    account = access.actor_of(request).account
    return [
        curl(request, "/alerts/mutes", body, name="mute"),
        Copy(
            name="command line",
            text=spelled("alerts", "mute", *words, "--minutes", str(USUAL), "--reason", REASON, "--as", account),
        ),
    ]


def _minutes(request: HttpRequest) -> int:
    """Minutes of the form; 0, which is refused, for what is none of its choices."""
    text = request.POST.get("minutes", "")
    return int(text) if text in {str(minutes) for minutes, _ in LASTS} else 0
