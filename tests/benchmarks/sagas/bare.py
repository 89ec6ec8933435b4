"""The statements that a saga of four calls needs, and nothing else: ``python -m tests.benchmarks.sagas.bare ...``.

In the tables of ours: one insert, one claim, and five times row and entry in one statement; a commit after each.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import psycopg

from tests.benchmarks.sagas.measuring import STEPS, tell

_START = """
WITH made AS (
    INSERT INTO sagas_saga (id, definition, definition_version, key, status, rank, direction, step, side, effect,
        attempts, waits_for, parked, reason, error, late, version, due_at, deadline, started_at, changed_at, ended_at,
        worker, fence, look_at, claims)
    VALUES (%(id)s, 'bare', 1, %(key)s, 'running', 1, 'forward', 's0', 'do', 'idle', 0, '', '', '', '', 0, 1,
        now(), now(), now(), now(), NULL, '', 0, now(), 0)
    RETURNING id)
INSERT INTO sagas_event (saga_id, version, at, kind, step, side, attempt, data, actor, fence)
SELECT id, 1, now(), 'started', '', '', 0, '{}', '', 0 FROM made
"""
_CLAIM = """
UPDATE sagas_saga SET fence = fence + 1, worker = 'w', look_at = clock_timestamp() + interval '10 s'
WHERE id = (SELECT id FROM sagas_saga WHERE look_at <= clock_timestamp() ORDER BY look_at LIMIT 1
            FOR UPDATE SKIP LOCKED) RETURNING id
"""
_APPEND = """
WITH kept AS (
    UPDATE sagas_saga SET status = 'running', step = %(step)s, version = version + 2, changed_at = now(),
        look_at = %(look_at)s WHERE id = %(id)s AND fence = 1 RETURNING id, version)
INSERT INTO sagas_event (saga_id, version, at, kind, step, side, attempt, data, actor, fence)
SELECT id, version - 1 + n, now(), 'succeeded', %(step)s, 'do', 1, '{"result":{}}', '', 1
FROM kept, generate_series(0, 1) AS n
"""


def main(count: int, threads: int) -> None:
    """Do it ``count`` times from so many threads."""
    url = os.environ["DATABASE_URL"]

    def lot(number: int) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            for _ in range(count // threads):
                connection.execute(_START, {"id": uuid.uuid4(), "key": uuid.uuid4().hex})
            for _ in range(count // threads):
                found = connection.execute(_CLAIM).fetchone()
                if found is None:
                    return
                for step in range(STEPS + 1):
                    over = step == STEPS
                    look_at = None if over else "2100-01-01T00:00:00Z"
                    connection.execute(_APPEND, {"id": found[0], "step": f"s{step}", "look_at": look_at})

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lot, range(threads)))
    tell(count=count, seconds=time.perf_counter() - began)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
