"""The events about something: what it is called stands in their aggregate, or is their key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db import connection

from outbox.queries.receipts import Receipt, receipts
from reliability import access
from reliability.kernel import text

State = Literal["waiting", "sent", "parked", "behind", "refused", "unknown"]

EVENTS_MAX = 200

# An event is sent when the shard's snapshot A shows it, or the part of a window that was sent already does, and it was
# not parked on the way (see shards.py). The newest are taken by each index before the two are joined; the conditions
# that say nothing new are those of the indexes (migration 0004).
_ABOUT = """
WITH found AS MATERIALIZED (
    (SELECT id, event_id, created_at, topic, event_type, aggregate_type, receipt, xid, shard FROM outbox_event
     WHERE aggregate_id COLLATE "C" = %(name)s AND aggregate_id <> '' AND topic ~ ALL(%(topics)s::text[])
     ORDER BY id DESC LIMIT %(limit)s)
    UNION ALL
    (SELECT id, event_id, created_at, topic, event_type, aggregate_type, receipt, xid, shard FROM outbox_event
     WHERE substr(key, 1, 64) = substr(%(key)s::bytea, 1, 64) AND key = %(key)s::bytea
       AND aggregate_id = '' AND key IS NOT NULL AND topic ~ ALL(%(topics)s::text[])
     ORDER BY id DESC LIMIT %(limit)s)
)
SELECT found.id, found.event_id, found.created_at, found.topic, found.event_type, found.aggregate_type, found.receipt,
       coalesce(pg_visible_in_snapshot(found.xid, s.snapshot::pg_snapshot)
                OR (s.window_end <> '' AND found.id <= s.after_id
                    AND pg_visible_in_snapshot(found.xid, nullif(s.window_end, '')::pg_snapshot)), false)
       AND w.event IS NULL AS is_sent,
       p.behind, p.reason, p.parked_at, s.paused_at
FROM found LEFT JOIN outbox_shard s ON s.id = found.shard LEFT JOIN outbox_parked p ON p.event = found.id
     LEFT JOIN outbox_waiting w ON w.event = found.id
ORDER BY found.id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One event. ``number`` orders the events; ``receipt`` says where it went, where that was asked for.

    ``waiting``: on its way; ``sent``: Kafka has it; ``parked``: it cannot be sent, and ``reason`` says why; ``behind``:
    it waits for one of its key that cannot; ``refused`` and ``unknown``: as its receipt says. ``since``: when it was
    parked. ``is_paused``: its shard sends nothing now.
    """

    number: int
    event_id: UUID
    at: datetime
    topic: str
    event_type: str
    aggregate_type: str
    state: State
    reason: str
    since: datetime | None
    is_paused: bool
    receipt: Receipt | None


def about(name: str, *, visible: access.VisibleTopics, limit: int = EVENTS_MAX) -> list[EventRow]:
    """Return events of visible topics that are about ``name``, the newest first; at most ``EVENTS_MAX``.

    Those whose aggregate has this id, of any type; and of those without an aggregate the ones with this key.
    """
    if not name or not text.is_storable(name):
        return []
    values: dict[str, str | bytes | list[str] | int] = {
        "name": name,
        "key": name.encode(),
        "topics": list(visible.topics.regexes()),
        "limit": max(1, min(limit, EVENTS_MAX)),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ABOUT, values)
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    proofs = receipts([row["event_id"] for row in rows if row["receipt"]])
    return [_row(row, proofs.get(row["event_id"])) for row in rows]


def _row(row: dict[str, Any], receipt: Receipt | None) -> EventRow:
    return EventRow(
        number=row["id"],
        event_id=row["event_id"],
        at=row["created_at"],
        topic=row["topic"],
        event_type=row["event_type"],
        aggregate_type=row["aggregate_type"],
        state=_state(row, receipt),
        reason=row["reason"] or "",
        since=row["parked_at"],
        is_paused=row["paused_at"] is not None,
        receipt=receipt,
    )


def _state(row: dict[str, Any], receipt: Receipt | None) -> State:
    if receipt is not None:
        return receipt.state
    if row["behind"] is not None:
        return "behind" if row["behind"] else "parked"
    return "sent" if row["is_sent"] else "waiting"
