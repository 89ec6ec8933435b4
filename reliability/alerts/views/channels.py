"""Trying a channel, the log of messages, sending one again."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from reliability import access
from reliability.alerts.models.deliveries import State
from reliability.alerts.operations import acting
from reliability.alerts.queries import channels, log
from reliability.alerts.views import wording
from reliability.console.views.acts import came_from, told
from reliability.kernel import clock
from reliability.live import fragment

STATES: Final = (("", "all"), ("waiting", "not taken yet"), ("sent", "taken"), ("given_up", "given up"))


@require_POST
@access.requires("alerts.test")
@told
def test(request: HttpRequest, name: str) -> HttpResponseBase:
    """Send a message that says it is a test."""
    acting.test(channel=name, actor=access.actor_of(request), now=clock.SYSTEM.now())
    messages.success(request, f"A test is on its way over {name}: its line in this log tells what comes of it.")
    return redirect(f"/alerts/deliveries/?channel={name}")


@require_POST
@access.requires("alerts.send_again")
@told
def send_again(request: HttpRequest, number: int) -> HttpResponseBase:
    """Put a message that was given up on its way once more."""
    acting.send_again(number=number, actor=access.actor_of(request), now=clock.SYSTEM.now())
    messages.success(request, "On its way once more.")
    return redirect(came_from(request))


@require_safe
@access.requires("alerts.view")
@told
def deliveries(request: HttpRequest) -> HttpResponse:
    """Every message, the newest first: to whom, about what, and what came of it."""
    actor = access.actor_of(request)
    channel, state = request.GET.get("channel", ""), request.GET.get("state", "")
    state = state if state in State.values else ""
    after = request.GET.get("after", "")
    before = int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else None
    found = log.page(actor=actor, channel=channel.replace("\x00", ""), state=state, before=before)
    rows = [(*wording.delivery_state(each.row), wording.EVENTS.get(each.row.event, ""), each) for each in found.items]
    context: dict[str, Any] = {
        "title": "Messages",
        "now": clock.SYSTEM.now(),
        "rows": rows,
        "next": found.next,
        "paged": before is not None,
        "channel": channel,
        "state": state,
        "states": STATES,
        "names": channels.names(),
        "may_send_again": access.may(actor, "alerts.send_again"),
    }
    seen = [(each.row.pk, each.row.state, each.row.attempts, each.row.answer) for *_, each in rows]
    return fragment.page(request, "alerts/deliveries.html", context, regions={"deliveries": seen})
