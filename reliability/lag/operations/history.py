"""Writes the history: minutes as they end, ten minutes from those."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.db import connection

from reliability.lag.domain.history import Bucket
from reliability.lag.operations import upkeep

# A poller that dies loses the minute it was in; whoever follows writes the rest of it, and both are one row then.
_MINUTES = """
INSERT INTO reliability_lag_minute AS known
       (group_id, topic, at, lag, lag_max, lag_s_max, consumed, produced, severity, looks)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::float8[],
                     %s::bigint[], %s::bigint[], %s::smallint[], %s::int[])
ON CONFLICT (group_id, topic, at) DO UPDATE SET
    lag = coalesce(excluded.lag, known.lag), lag_max = greatest(known.lag_max, excluded.lag_max),
    lag_s_max = greatest(known.lag_s_max, excluded.lag_s_max), consumed = known.consumed + excluded.consumed,
    produced = known.produced + excluded.produced, severity = greatest(known.severity, excluded.severity),
    looks = known.looks + excluded.looks
"""
_TEN_MINUTES = """
INSERT INTO reliability_lag_ten_minutes
SELECT group_id, topic, date_bin('10 minutes', at, 'epoch'),
       (array_agg(lag ORDER BY at DESC) FILTER (WHERE lag IS NOT NULL))[1], max(lag_max), max(lag_s_max),
       sum(consumed), sum(produced), max(severity), sum(looks)
FROM reliability_lag_minute WHERE at >= %s AND at < %s GROUP BY 1, 2, 3
ON CONFLICT (group_id, topic, at) DO UPDATE SET
    lag = excluded.lag, lag_max = excluded.lag_max, lag_s_max = excluded.lag_s_max, consumed = excluded.consumed,
    produced = excluded.produced, severity = excluded.severity, looks = excluded.looks
"""
ROLL_UP_BACK = timedelta(minutes=30)  # minutes that a poller which died wrote late
_LAST = "SELECT max(at) FROM reliability_lag_ten_minutes WHERE at >= %s"


def write_minutes(rows: Sequence[tuple[int, str, Bucket]]) -> None:
    """Add buckets of (group id, topic) to their minutes."""
    if not rows:
        return
    columns = zip(*((group_id, topic, *_columns(bucket)) for group_id, topic, bucket in rows), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_MINUTES, [list(column) for column in columns])


def roll_up(*, now: datetime) -> None:
    """Make ten-minute rows from the minutes: of the last half hour, and since the last there are, if nobody polled."""
    minute = now.replace(second=0, microsecond=0)
    until = minute - timedelta(minutes=minute.minute % 10)
    oldest = until - timedelta(seconds=upkeep.MINUTES.kept_s)
    with connection.cursor() as cursor:
        cursor.execute(_LAST, [oldest])
        last = cursor.fetchone()[0] or oldest
        cursor.execute(_TEN_MINUTES, [min(last, until - ROLL_UP_BACK), until])


def _columns(bucket: Bucket) -> tuple[object, ...]:
    at = datetime.fromtimestamp(bucket.at_s, UTC)
    return (
        at, bucket.lag, bucket.lag_max, bucket.lag_s_max, bucket.consumed, bucket.produced, bucket.severity,
        bucket.looks,
    )  # fmt: skip
