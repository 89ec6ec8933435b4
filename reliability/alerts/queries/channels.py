"""Channels as the settings name them, and how they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min, Q

from reliability.alerts.domain.channels import Channel, read
from reliability.alerts.models import Delivery
from reliability.alerts.models.deliveries import State
from reliability.kernel.errors import Refused


class NoSuchChannel(Refused):
    """There is no channel of that name."""

    code = "no-such-channel"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """A channel and how it does. ``failing``: what the last answer of a message that waits was, "" when it is well."""

    channel: Channel
    waiting: int
    oldest_at: datetime | None
    sent: int
    given_up: int
    sent_at: datetime | None
    failing: str


def names() -> list[str]:
    """Return the names of the channels."""
    return sorted(getattr(settings, "ALERT_CHANNELS", {}))


def one(name: str) -> Channel:
    """Return a channel; raises ``NoSuchChannel``, ``WrongChannel``."""
    known = getattr(settings, "ALERT_CHANNELS", {})
    if name not in known:
        there = ", ".join(sorted(known)) or "none: MAINSTAY_ALERT_CHANNELS names them"
        raise NoSuchChannel(f"No channel is called {name[:40]!r}; there are {there}.")
    return read(name, known[name])


def doing(*, is_short: bool = False) -> Sequence[Doing]:
    """Return every channel with what became of its messages.

    ``is_short``: of those that wait alone, with 0 for the others: what each page asks is answered by a small index.
    """
    waits = Q(state=State.WAITING)
    rows = Delivery.objects.filter(waits) if is_short else Delivery.objects.all()
    figures: dict[str, dict[str, Any]] = {
        row["channel"]: dict(row)
        for row in rows.values("channel").annotate(
            waiting=Count("id", filter=waits),
            oldest_at=Min("created_at", filter=waits),
            sent=Count("id", filter=Q(state=State.SENT)),
            given_up=Count("id", filter=Q(state=State.GIVEN_UP)),
            sent_at=Max("done_at", filter=Q(state=State.SENT)),
        )
    }
    found = []
    for name in names():
        row = figures.get(name, {})
        failing = Delivery.objects.filter(waits, channel=name, attempts__gt=0).order_by("id").first()
        found.append(
            Doing(
                channel=one(name),
                waiting=row.get("waiting", 0),
                oldest_at=row.get("oldest_at"),
                sent=row.get("sent", 0),
                given_up=row.get("given_up", 0),
                sent_at=row.get("sent_at"),
                failing=failing.answer if failing is not None else "",
            )
        )
    return found
