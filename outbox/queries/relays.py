"""Which relays live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models.functions import Now

from outbox import models


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayRow:
    """One relay. ``hosting`` is worker or process."""

    owner: str
    host: str
    pid: int
    hosting: str
    started_at: datetime
    seen_at: datetime


def relay_heard_within(*, seconds: float) -> bool:
    """Whether any relay has shown that it lives within that time, on the database's clock."""
    return models.Member.objects.filter(seen_at__gt=Now() - timedelta(seconds=seconds)).exists()


def relays() -> list[RelayRow]:
    """Return all relays of the last hour, the one heard last first."""
    return [
        RelayRow(
            owner=row.owner,
            host=row.host,
            pid=row.pid,
            hosting=row.hosting,
            started_at=row.started_at,
            seen_at=row.seen_at,
        )
        for row in models.Member.objects.order_by("-seen_at")
    ]
