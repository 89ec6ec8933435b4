"""Deletes incidents, messages and mutes that are older than they are kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from reliability.alerts.models import Delivery, Incident, Mute
from reliability.alerts.models.deliveries import State

KEPT: Final = timedelta(days=90)
AT_ONCE: Final = 200
"""Incidents that one statement deletes, with all that belongs to them."""


def forget(*, now: datetime) -> int:
    """Delete what ended before ``KEPT``; return how many incidents went."""
    gone = 0
    while True:
        old = Incident.objects.filter(resolved_at__lt=now - KEPT, is_settled=True)
        old = old.exclude(deliveries__state=State.WAITING)
        numbers = list(old.order_by("id").values_list("id", flat=True)[:AT_ONCE])
        if not numbers:
            break
        Incident.objects.filter(pk__in=numbers).delete()
        gone += len(numbers)
    Delivery.objects.filter(incident=None, created_at__lt=now - KEPT).exclude(state=State.WAITING).delete()
    Mute.objects.filter(until__lt=now - KEPT).delete()
    return gone
