"""Where letters stand: the one writer of a letter's state and of its group's counters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from dlq.models.letters import State
from dlq.operations import policy
from reliability import live

_MOVE = """
WITH held AS (
    SELECT id, state, group_id, replay_count FROM dlq_letter
    WHERE id = ANY(%(ids)s) AND state = ANY(%(sources)s) AND duplicate_of_id IS NULL
    ORDER BY id FOR UPDATE
), moved AS (
    UPDATE dlq_letter AS letter
    SET state = CASE WHEN %(to)s = 'open' AND held.replay_count >= %(limit)s THEN 'quarantined' ELSE %(to)s END,
        closed_at = CASE WHEN %(to)s IN ('resolved', 'discarded') THEN %(now)s::timestamptz END
    FROM held WHERE letter.id = held.id AND held.state <> %(to)s
    RETURNING letter.id, held.group_id, held.state AS was, letter.state AS is_now
)
SELECT id, group_id, was, is_now FROM moved
"""
_COUNT = """
WITH delta (group_id, open, replaying, quarantined) AS (
    SELECT * FROM unnest(%(groups)s::bigint[], %(open)s::int[], %(replaying)s::int[], %(quarantined)s::int[])
), held AS (
    SELECT id FROM dlq_lettergroup WHERE id = ANY(%(groups)s::bigint[]) ORDER BY id FOR UPDATE
)
UPDATE dlq_lettergroup AS g
SET open_count = open_count + delta.open,
    replaying_count = replaying_count + delta.replaying,
    quarantined_count = quarantined_count + delta.quarantined
FROM delta JOIN held ON held.id = delta.group_id WHERE g.id = delta.group_id
"""
_COUNTED = (State.OPEN, State.REPLAYING, State.QUARANTINED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One letter that changed its state."""

    id: int
    group_id: int
    was: str
    now: str


def stand(
    letter_ids: Iterable[int], *, to: State, now: datetime, sources: Collection[State] = tuple(State)
) -> list[Moved]:
    """Put letters that stand in one of ``sources`` into state ``to``, in the caller's transaction.

    A letter that has failed again too often is quarantined instead of opened. Rows are locked in order of id, letters
    before groups. Returns those that changed.
    """
    ids = sorted(set(letter_ids))
    if not ids:
        return []
    values: dict[str, Any] = {
        "ids": ids,
        "sources": [str(source) for source in sources],
        "to": str(to),
        "now": now,
        "limit": policy.quarantine_after(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, values)
        moved = [Moved(id=row[0], group_id=row[1], was=row[2], now=row[3]) for row in cursor.fetchall()]
    _count(moved)
    return moved


def _count(moved: Sequence[Moved]) -> None:
    """Move the counters of the groups concerned; letters that only left or entered a counted state count too."""
    if not moved:
        return
    deltas: dict[int, dict[str, int]] = {}
    for letter in moved:
        delta = deltas.setdefault(letter.group_id, dict.fromkeys(_COUNTED, 0))
        for state, step in ((letter.was, -1), (letter.now, 1)):
            if state in delta:
                delta[state] += step
    groups = sorted(deltas)
    columns = {str(state): [deltas[group][state] for group in groups] for state in _COUNTED}
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"groups": groups, **columns})
    live.changed("letters")
    live.changed("overview")
