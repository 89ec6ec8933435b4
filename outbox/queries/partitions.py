"""How far the event table reaches."""

from __future__ import annotations

from django.db import connection

AHEAD_WANTED = 2  # fewer empty partitions than this ahead of the writers needs a person

_AHEAD = """
SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid, outbox_event_id AS last
WHERE i.inhparent = 'outbox_event'::regclass
  AND (regexp_match(pg_get_expr(c.relpartbound, c.oid), $$FROM \\('?(\\d+)'?\\)$$))[1]::bigint > last.last_value
"""


def partitions_ahead() -> int:
    """Return how many empty partitions wait for the writers."""
    with connection.cursor() as cursor:
        cursor.execute(_AHEAD)
        row = cursor.fetchone()
    return int(row[0]) if row else 0
