"""Where the events that asked for a receipt went."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from outbox import models

State = Literal["sent", "unknown", "refused"]

IDS_PER_STATEMENT_MAX = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What is known of one sent event.

    ``sent``: Kafka holds it at ``partition`` and ``offset``. ``unknown``: a relay died while it was on its way and the
    topic could not be searched; it was not sent again. ``refused``: Kafka will never take it, or it came behind a
    parked event of its key; it is not kept, and ``error`` says why. ``sha256`` is the digest of key, value and headers
    as sent (``outbox.domain.event.sha256_of``), empty when refused.
    """

    event_id: UUID
    topic: str
    partition: int | None
    offset: int | None
    sha256: bytes
    state: State
    error: str
    at: datetime


def receipts(event_ids: Collection[UUID]) -> dict[UUID, Receipt]:
    """Return the receipts that exist for these events."""
    found: dict[UUID, Receipt] = {}
    wanted = list(event_ids)
    for start in range(0, len(wanted), IDS_PER_STATEMENT_MAX):
        page = wanted[start : start + IDS_PER_STATEMENT_MAX]
        for row in models.Receipt.objects.filter(event_id__in=page):
            found[row.event_id] = Receipt(
                event_id=row.event_id,
                topic=row.topic,
                partition=row.partition,
                offset=row.offset,
                sha256=bytes(row.sha256),
                state=_state(row.state),
                error=row.error,
                at=row.at,
            )
    return found


def unsent(event_ids: Collection[UUID]) -> set[UUID]:
    """Return those that have no receipt yet. Only true for events appended with ``receipt=True``."""
    wanted = set(event_ids)
    return wanted - receipts(wanted).keys()


def _state(text: str) -> State:
    states: dict[str, State] = {"sent": "sent", "unknown": "unknown", "refused": "refused"}
    return states[text]
