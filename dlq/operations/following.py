"""Letters of one failure: one leads, the others follow it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from dlq.models.letters import State

LEADING = [State.OPEN.value, State.REPLAYING.value, State.QUARANTINED.value]
"""Where a letter stands that leads others. A closed one leads no more: the failure seen again is news."""

SAME_FAILURE = """
    old.origin_topic = fresh.origin_topic AND old.origin_partition = fresh.origin_partition
AND old.origin_offset = fresh.origin_offset AND old.consumer_group = fresh.consumer_group
AND old.attempt IS NOT DISTINCT FROM fresh.attempt AND old.replay = fresh.replay AND old.cluster = fresh.cluster
AND old.key IS NOT DISTINCT FROM fresh.key AND old.value IS NOT DISTINCT FROM fresh.value
"""
"""Whether two letters tell of one failure. The bytes too: a recreated topic has other records at the same offsets, and
coordinates are cheap to forge."""

_RIVALS = f"""
SELECT fresh.id, min(old.id) AS leader FROM dlq_letter fresh JOIN dlq_letter old ON {SAME_FAILURE}
 WHERE fresh.id = ANY(%(ids)s) AND fresh.duplicate_of_id IS NULL AND fresh.origin_topic <> ''
   AND old.id <> ALL(%(ids)s) AND old.duplicate_of_id IS NULL AND old.state = ANY(%(leading)s)
 GROUP BY fresh.id
"""  # noqa: S608 - of our own words
_FOLLOW = "UPDATE dlq_letter SET duplicate_of_id = %(leader)s WHERE id = %(id)s OR duplicate_of_id = %(id)s"
_COUNT = """
WITH gone AS (
    SELECT group_id, count(*) AS letters, count(*) FILTER (WHERE state = 'open') AS open,
           count(*) FILTER (WHERE state = 'quarantined') AS quarantined
      FROM dlq_letter WHERE id = ANY(%(ids)s) GROUP BY group_id
)
UPDATE dlq_lettergroup AS g
   SET count = g.count - gone.letters, duplicate_count = g.duplicate_count + gone.letters,
       open_count = g.open_count - gone.open, quarantined_count = g.quarantined_count - gone.quarantined
  FROM gone WHERE g.id = gone.group_id
"""


def give_way(letter_ids: Iterable[int]) -> int:
    """Let letters that are open again follow the letters that lead their failures meanwhile; return how many do.

    Two open letters of one failure would be sent twice. Called when ``standing.stand`` has counted the letters: it
    holds their groups, so that whoever stores another letter of them does it before we look, or after our commit.
    """
    ids = sorted(set(letter_ids))
    with connection.cursor() as cursor:
        cursor.execute(_RIVALS, {"ids": ids, "leading": LEADING})
        rivals = cursor.fetchall()
        for letter_id, leader_id in rivals:
            cursor.execute(_FOLLOW, {"id": letter_id, "leader": leader_id})
        cursor.execute(_COUNT, {"ids": [letter_id for letter_id, _ in rivals]})
    return len(rivals)
