"""What steps did of late, from the histories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection

SINCE_H = 24
EVENTS_MAX = 50_000  # the newest so many are counted: the figures are of recent work, and cost no more than this

_STEPS = """
WITH recent AS (
    SELECT saga_id, version, at, kind, step, side FROM sagas_event
    WHERE at > clock_timestamp() - make_interval(hours => %s) AND step <> ''
    ORDER BY at DESC LIMIT %s
), timed AS (
    SELECT recent.*, CASE
        WHEN side = 'do' AND kind IN ('succeeded', 'arrived') AND lag(kind) OVER one IN ('attempted', 'awaited')
        THEN extract(epoch FROM at - lag(at) OVER one) END AS took_s
    FROM recent WINDOW one AS (PARTITION BY saga_id, step, side ORDER BY version)
)
SELECT definition, definition_version, timed.step,
       count(*) FILTER (WHERE kind IN ('succeeded', 'arrived') AND timed.side = 'do'),
       count(*) FILTER (WHERE kind IN ('retrying', 'failed', 'unknown', 'expired') AND timed.side = 'do'),
       count(*) FILTER (WHERE kind = 'succeeded' AND timed.side = 'undo'),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY took_s),
       percentile_cont(0.99) WITHIN GROUP (ORDER BY took_s)
FROM timed JOIN sagas_saga ON sagas_saga.id = timed.saga_id
GROUP BY definition, definition_version, timed.step
"""
_OPEN = """
SELECT definition, definition_version, count(*) FROM sagas_saga WHERE rank < 2 GROUP BY definition, definition_version
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFigures:
    """Of one step in the last hours; times in seconds, None where no try was timed (local steps have no intent)."""

    done: int
    failed: int
    undone: int
    median_s: float | None
    p99_s: float | None


def steps() -> dict[tuple[str, int, str], StepFigures]:
    """Return the figures by definition, version and step."""
    return {
        (row[0], row[1], row[2]): StepFigures(
            done=row[3], failed=row[4], undone=row[5], median_s=_float(row[6]), p99_s=_float(row[7])
        )
        for row in _rows(_STEPS, [SINCE_H, EVENTS_MAX])
    }


def open_sagas() -> dict[tuple[str, int], int]:
    """Return how many sagas are not over, by definition and version."""
    return {(row[0], row[1]): row[2] for row in _rows(_OPEN, [])}


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _rows(statement: str, values: list[int]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
