"""Sagas of one business key, of whatever definition."""

from __future__ import annotations

from datetime import datetime

from reliability.kernel import text
from sagas.models import Saga
from sagas.queries import lists
from sagas.queries.lists import Listed


def of_key(key: str, *, now: datetime, limit: int) -> list[Listed]:
    """Return the sagas with this whole key and how they stand at ``now``, the newest first."""
    if not key or not text.is_storable(key):
        return []
    rows = Saga.objects.filter(key=key).order_by("-started_at")[:limit]
    return [Listed(saga=row, standing=lists.of(row, now=now)) for row in rows]
