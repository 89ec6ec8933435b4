"""The schedule of a flag: a window is added, changed or deleted."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from reliability import access, audit
from reliability.console.views.acts import told
from reliability.degradation.domain import schedule
from reliability.degradation.models import Window
from reliability.degradation.operations import levels, windows
from reliability.degradation.queries import board
from reliability.degradation.views.acting import number, reason
from reliability.kernel import clock
from reliability.kernel.errors import Refused
from reliability.live import fragment

RIGHT = "degradation.schedule"


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires(RIGHT)
@told
def edit(request: HttpRequest, name: str, window: str = "") -> HttpResponseBase:
    """Which days, from when to when, and which level; POST saves it."""
    refused: Refused | None = None
    if request.method == "POST":
        try:
            saved = windows.save(
                flag=name,
                name=window or _text(request, "name"),
                level=number(request, "level"),
                window=schedule.read(_body(request)),
                reason=reason(request),
                actor=access.actor_of(request),
                version=number(request, "version"),
                now=clock.SYSTEM.now(),
            )
            messages.success(request, f"Scheduled: {saved.name}.")
            return redirect("degradation:flag", name)
        except access.Denied:
            raise
        except Refused as error:
            refused = error
    return _form(request, name, window, refused)


@require_POST
@access.requires(RIGHT)
@told
def delete(request: HttpRequest, name: str, window: str) -> HttpResponseBase:
    """Delete it."""
    windows.delete(
        flag=name,
        name=window,
        reason=reason(request),
        actor=access.actor_of(request),
        version=number(request, "version"),
        now=clock.SYSTEM.now(),
    )
    messages.success(request, f"{window} is deleted from the schedule.")
    return redirect("degradation:flag", name)


def _form(request: HttpRequest, name: str, window: str, refused: Refused | None) -> HttpResponse:
    with audit.admitted(RIGHT, actor=access.actor_of(request), target=levels.target(name)):
        look = board.one(name, now=clock.SYSTEM.now())
        row = look.row.windows.filter(name=window).first() if window and "\x00" not in window else None
        if window and row is None:
            raise windows.NoSuchWindow
    body: dict[str, Any] = row.body if row is not None else {"days": [5, 6], "zone": "UTC"}
    sent = _body(request) if request.method == "POST" else body
    context = {
        "title": f"Schedule of {look.held.declaration.title}",
        "look": look,
        "row": row,
        "is_weekly": "days" in sent,
        "days": [(at, day, at in sent.get("days", ())) for at, day in enumerate(schedule.DAYS)],
        "sent": sent,
        "levels": list(enumerate(look.held.declaration.levels)),
        "level": number(request, "level") if request.method == "POST" else row.level if row is not None else 1,
        "version": row.version if row is not None else 0,
        "name": _text(request, "name"),
        "reason": reason(request),
        "refused": refused,
        "now": clock.SYSTEM.now(),
    }
    template = (
        "degradation/window.html#dialog" if fragment.asked_for(request) == "dialog" else "degradation/window.html"
    )
    return render(request, template, context, status=refused.status if refused else 200)


def _body(request: HttpRequest) -> dict[str, Any]:
    """The window as JSON would say it: weekly with days and a zone, else once between two instants."""
    begins, ends = _text(request, "begins"), _text(request, "ends")
    days = sorted(
        {int(day) for day in request.POST.getlist("days") if day.isascii() and day.isdecimal() and len(day) == 1}
    )
    if request.POST.get("kind") == "once":
        return {"begins": _instant(begins), "ends": _instant(ends)}
    return {"days": days, "begins": begins, "ends": ends, "zone": _text(request, "zone") or "UTC"}


def _instant(text: str) -> str:
    """An instant as it was typed; in UTC where it says no zone."""
    return text if text.endswith("Z") or "+" in text[10:] else f"{text}Z"


def _text(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").replace("\x00", "").strip()[:100]


def in_words(row: Window) -> str:
    """Return a window as a person reads it."""
    try:
        return schedule.read(row.body).in_words
    except Refused as error:
        return f"it cannot be read: {error}"
