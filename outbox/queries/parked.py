"""Parked events: which keys wait, behind what, since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, QuerySet

from outbox import models
from reliability import access
from reliability.kernel.text import printable

PAGE_ROWS_MAX = 200
KEY_CHARACTERS_MAX = 200
COUNTED_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedRow:
    """One parked event. ``event`` orders them; ``behind``: nothing is wrong with it but the one before it.

    ``number`` is the number that was spent on it before the broker refused it: readers see a gap there.
    """

    event: int
    event_id: UUID
    shard: int
    topic: str
    key: bytes | None
    key_text: str
    behind: bool
    code: str
    reason: str
    number: str
    parked_at: datetime


def parked(
    *,
    after: int = 0,
    limit: int = PAGE_ROWS_MAX,
    topic: str = "",
    shard: int | None = None,
    visible: access.VisibleTopics | None = None,
) -> list[ParkedRow]:
    """Return parked events in order, those above ``after`` first; at most ``PAGE_ROWS_MAX``, of visible topics only."""
    rows = _of(visible).filter(event__gt=after).order_by("event")
    if topic:
        rows = rows.filter(topic=topic)
    if shard is not None:
        rows = rows.filter(shard=shard)
    return [_row(row) for row in rows[: min(limit, PAGE_ROWS_MAX)]]


def parked_count() -> int:
    """Return how many events are parked, counted up to ``COUNTED_MAX``."""
    return len(models.Parked.objects.values_list("event")[: COUNTED_MAX + 1])


def parked_by_shard(visible: access.VisibleTopics) -> dict[int, int]:
    """Return shard -> parked events of visible topics, for the shards that have some."""
    counted = _of(visible).order_by().values_list("shard").annotate(events=Count("event"))
    return dict(counted)


def parked_reasons(*, visible: access.VisibleTopics | None = None) -> list[tuple[str, str, int]]:
    """Return (topic, code, events) of what is wrong itself, the most frequent first; at most twenty."""
    rows = _of(visible).filter(behind=False).values_list("topic", "code").annotate(events=Count("event"))
    return list(rows.order_by("-events")[:20])


def _of(visible: access.VisibleTopics | None) -> QuerySet[models.Parked]:
    return models.Parked.objects.all() if visible is None else models.Parked.objects.filter(visible.q("topic"))


def _row(row: models.Parked) -> ParkedRow:
    key = None if row.key is None else bytes(row.key)
    return ParkedRow(
        event=row.event,
        event_id=row.event_id,
        shard=row.shard,
        topic=row.topic,
        key=key,
        key_text=printable(key, limit=KEY_CHARACTERS_MAX),
        behind=row.behind,
        code=row.code,
        reason=row.reason,
        number=row.number,
        parked_at=row.parked_at,
    )
