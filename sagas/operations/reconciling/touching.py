"""Keys that something has just changed: noted here, and looked at soon."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import connection

from reliability.kernel import text
from sagas.domain.reconciling.comparing import KEY_CHARACTERS_MAX

AT_ONCE = timedelta(seconds=1)
"""Both sides are given a moment to see what has just happened."""
AT_A_TIME = 200  # keys taken for one look, so that what a killed process had taken is little

_TOUCH = """
INSERT INTO sagas_touched (reconciliation, key, due_at)
SELECT %s, key, clock_timestamp() + make_interval(secs => %s) FROM unnest(%s::text[]) AS key
ON CONFLICT (reconciliation, key) DO UPDATE SET due_at = least(sagas_touched.due_at, excluded.due_at)
"""
_TAKE = """
DELETE FROM sagas_touched WHERE id IN (
    SELECT id FROM sagas_touched
    WHERE due_at <= clock_timestamp() AND reconciliation = (
        SELECT reconciliation FROM sagas_touched
        WHERE due_at <= clock_timestamp() AND reconciliation = ANY(%s)
        ORDER BY due_at LIMIT 1
    )
    ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
)
RETURNING reconciliation, key
"""


def touch(reconciliation: str, keys: Sequence[str], *, after: timedelta = AT_ONCE) -> None:
    """Have ``keys`` looked at ``after`` so long; keys that no finding can have are passed over."""
    wanted = [key for key in dict.fromkeys(keys) if 0 < len(key) <= KEY_CHARACTERS_MAX and text.is_storable(key)]
    if wanted:
        with connection.cursor() as cursor:
            cursor.execute(_TOUCH, [reconciliation, after.total_seconds(), wanted])


def take(known: Sequence[str]) -> tuple[str, list[str]] | None:
    """Take keys that are due, of one of the ``known`` reconciliations; None when none is.

    What is taken and then lost with its process is found by the next whole comparison.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [list(known), AT_A_TIME])
        found = cursor.fetchall()
    return (found[0][0], [key for _, key in found]) if found else None
