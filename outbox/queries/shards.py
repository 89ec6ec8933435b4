"""How the shards stand: backlog, oldest event, rate, owner, trouble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from django.db import connection

from outbox.queries.parked import parked_by_shard
from reliability import access

State = Literal["ok", "behind", "failing", "paused", "unowned"]

BACKLOG_COUNTED_MAX = 10_000  # a shard; beyond, the count is shown as "10,000+"
RATE_OVER_S = 10
BEHIND_AFTER_S = 30.0  # the oldest event's age at which a shard counts as stuck
POINTS_OVER_S = 300
HIDDEN = "not shown: it may name topics that you may not see"
POINT_S = 10

# An event is not yet sent when the shard's snapshot A does not show it, and neither did the part of a window that was
# sent already. The first two conditions say the same as the third to the index.
_SHARDS = """
SELECT s.id, s.owner, s.epoch, s.until AS lease_until, coalesce(s.until > clock_timestamp(), false) AS leased,
       unsent.backlog, unsent.oldest_at, rate.events, s.paused_at, s.paused_by, s.pause_reason, s.failures, s.retry_at,
       s.last_error, s.last_error_at, s.sent, s.sent_at, parked.parked
FROM outbox_shard s
CROSS JOIN LATERAL (
    SELECT count(*) AS backlog, min(created_at) AS oldest_at FROM (
        SELECT e.created_at FROM outbox_event e
        WHERE e.shard = s.id
          AND (e.xid >= pg_snapshot_xmax(s.snapshot::pg_snapshot)
               OR e.xid = ANY (ARRAY(SELECT pg_snapshot_xip(s.snapshot::pg_snapshot))))
          AND NOT pg_visible_in_snapshot(e.xid, s.snapshot::pg_snapshot)
          AND NOT (s.window_end <> '' AND e.id <= s.after_id
                   AND pg_visible_in_snapshot(e.xid, nullif(s.window_end, '')::pg_snapshot))
        LIMIT %(counted)s
    ) AS waiting
) AS unsent
CROSS JOIN LATERAL (
    SELECT coalesce(sum(events), 0) AS events FROM outbox_batch b
    WHERE b.shard = s.id AND b.second >= extract(epoch FROM clock_timestamp())::bigint - %(over_s)s
) AS rate
CROSS JOIN LATERAL (SELECT count(*) AS parked FROM outbox_parked p WHERE p.shard = s.id) AS parked
ORDER BY s.id
"""
_POINTS = """
SELECT second / %(point_s)s, sum(events)::float / %(point_s)s FROM outbox_batch
WHERE second >= %(from_s)s GROUP BY 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRow:
    """One shard. ``backlog`` is exact up to ``BACKLOG_COUNTED_MAX``, beyond that ``backlog_capped`` is true."""

    id: int
    state: State
    owner: str
    epoch: int
    lease_until: datetime | None
    backlog: int
    backlog_capped: bool
    oldest_at: datetime | None
    oldest_age_s: float
    rate_per_s: float
    paused_at: datetime | None
    paused_by: str
    pause_reason: str
    failures: int
    retry_at: datetime | None
    last_error: str
    last_error_at: datetime | None
    sent: int
    sent_at: datetime | None
    parked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The outbox as a whole; ``capped``: the count is a lower bound."""

    events: int
    capped: bool
    oldest_at: datetime | None
    oldest_age_s: float
    rate_per_s: float
    parked: int
    paused_shards: int
    failing_shards: int
    unowned_shards: int
    halted: str


def shards(now: datetime) -> list[ShardRow]:
    """Return all shards, by number; ages are as of ``now``."""
    with connection.cursor() as cursor:
        cursor.execute(_SHARDS, {"counted": BACKLOG_COUNTED_MAX + 1, "over_s": RATE_OVER_S})
        names = [column.name for column in cursor.description or ()]
        return [_row(dict(zip(names, row, strict=True)), now) for row in cursor.fetchall()]


def seen(rows: Sequence[ShardRow], *, visible: access.VisibleTopics) -> list[ShardRow]:
    """Return shards as they are shown to who may see these topics.

    A shard carries events of every topic, so its backlog, age and rate are the outbox's own. What is parked is counted
    by topic, and an error, which may name any, is shown only to who sees all.
    """
    if visible.is_everything:
        return list(rows)
    own = parked_by_shard(visible)
    return [replace(row, parked=own.get(row.id, 0), last_error=HIDDEN if row.last_error else "") for row in rows]


def backlog(now: datetime) -> Backlog:
    """Return the sum over all shards."""
    return total(shards(now))


def total(rows: list[ShardRow]) -> Backlog:
    """Return the sum over these shards, read before."""
    oldest = min((row for row in rows if row.oldest_at is not None), key=lambda row: -row.oldest_age_s, default=None)
    return Backlog(
        events=sum(row.backlog for row in rows),
        capped=any(row.backlog_capped for row in rows),
        oldest_at=oldest.oldest_at if oldest else None,
        oldest_age_s=oldest.oldest_age_s if oldest else 0.0,
        rate_per_s=sum(row.rate_per_s for row in rows),
        parked=sum(row.parked for row in rows),
        paused_shards=sum(1 for row in rows if row.paused_at is not None),
        failing_shards=sum(1 for row in rows if row.failures > 0),
        unowned_shards=sum(1 for row in rows if row.state == "unowned"),
        halted=halted(),
    )


def paused_shards() -> tuple[int, int]:
    """Return how many shards are paused, and how many there are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(paused_at), count(*) FROM outbox_shard")
        paused, of = cursor.fetchone() or (0, 0)
    return int(paused), int(of)


def halted() -> str:
    """Return why the relays are halted, "" when they are not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT halt_reason FROM outbox_setting")
        row = cursor.fetchone()
    return str(row[0]) if row else ""


def rates(now: datetime) -> list[float]:
    """Return events per second, all shards together, oldest first: one point per ``POINT_S`` of the last minutes."""
    newest = int(now.timestamp()) // POINT_S - 1  # the last whole one
    oldest = newest - POINTS_OVER_S // POINT_S + 1
    with connection.cursor() as cursor:
        cursor.execute(_POINTS, {"point_s": POINT_S, "from_s": oldest * POINT_S})
        found = dict(cursor.fetchall())
    return [found.get(place, 0.0) for place in range(oldest, newest + 1)]


def _row(found: dict[str, Any], now: datetime) -> ShardRow:
    age_s = max(0.0, (now - found["oldest_at"]).total_seconds()) if found["oldest_at"] else 0.0
    leased = bool(found.pop("leased"))
    events = int(found.pop("events"))
    return ShardRow(
        **{**found, "backlog": min(found["backlog"], BACKLOG_COUNTED_MAX)},
        state=_state(found, leased=leased, age_s=age_s),
        backlog_capped=found["backlog"] > BACKLOG_COUNTED_MAX,
        oldest_age_s=age_s,
        rate_per_s=events / RATE_OVER_S,
    )


def _state(found: dict[str, Any], *, leased: bool, age_s: float) -> State:
    if found["paused_at"] is not None:
        return "paused"
    if not leased:
        return "unowned"
    if found["failures"] > 0:
        return "failing"
    return "behind" if age_s > BEHIND_AFTER_S else "ok"
