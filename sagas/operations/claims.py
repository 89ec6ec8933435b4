"""Claiming what is due, and keeping it while a step runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from django.db import connection

from sagas.queries import prepared

# One statement, on the database's clock: the row's lock puts two claimants in order, and the later one finds no row.
# It is not waited for on the disk: what is written down later lies behind it. A crash of the server may take back a
# claim that has written nothing, and its fence is given out once more; so the holder's name is one of a kind, and
# whatever a holder writes asks for it.
_CLAIM = """
UPDATE sagas_saga
SET fence = fence + 1, worker = %(worker)s, claims = claims + 1,
    look_at = clock_timestamp() + make_interval(secs => %(lease_s)s)
WHERE id = (
    SELECT id FROM sagas_saga
    WHERE look_at <= clock_timestamp() AND (definition, definition_version) IN (
        SELECT name, version FROM unnest(%(names)s::text[], %(versions)s::int[]) AS known (name, version)
    )
    ORDER BY look_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id, fence, version, claims, clock_timestamp(), set_config('synchronous_commit', 'off', true)
"""
_DUE = """
SELECT EXISTS (
    SELECT 1 FROM sagas_saga WHERE look_at <= clock_timestamp() AND (definition, definition_version) IN (
        SELECT name, version FROM unnest(%(names)s::text[], %(versions)s::int[]) AS known (name, version)
    )
)
"""
_KEEP = """
UPDATE sagas_saga
SET look_at = least(clock_timestamp() + make_interval(secs => %(lease_s)s), held.until)
FROM unnest(%(ids)s::uuid[], %(fences)s::bigint[], %(workers)s::text[], %(untils)s::timestamptz[])
     AS held (id, fence, worker, until)
WHERE sagas_saga.id = held.id AND sagas_saga.fence = held.fence AND sagas_saga.worker = held.worker
"""
# What no worker here has the code for is looked at less often, so that it stands in nobody's way.
_POSTPONE = """
UPDATE sagas_saga SET look_at = clock_timestamp() + make_interval(secs => %(postpone_s)s)
WHERE id IN (
    SELECT id FROM sagas_saga
    WHERE look_at <= clock_timestamp() - interval '10 seconds' AND (definition, definition_version) NOT IN (
        SELECT name, version FROM unnest(%(names)s::text[], %(versions)s::int[]) AS known (name, version)
    )
    ORDER BY look_at LIMIT 1000 FOR UPDATE SKIP LOCKED
)
"""
_PUT_OFF = """
UPDATE sagas_saga SET look_at = %(look_at)s, worker = '', claims = 0
WHERE id = %(id)s AND fence = %(fence)s AND worker = %(worker)s AND version = %(version)s
"""
_STANDS = "SELECT 1 FROM sagas_saga WHERE id = %s AND fence = %s AND worker = %s AND version = %s"
_LOCK = "SELECT fence, version FROM sagas_saga WHERE id = %s FOR UPDATE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to go on with a saga alone, for as long as nobody else has a higher fence.

    ``worker``: the holder's name, of this claim alone; ``claims``: claims in a row, this one counted, of which none
    wrote anything down; ``at``: the database's clock.
    """

    id: UUID
    fence: int
    worker: str
    version: int
    claims: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A saga with a step that runs at this moment, until ``until`` at most."""

    id: UUID
    fence: int
    worker: str
    until: datetime


def claim(*, worker: str, lease_s: float, known: Sequence[tuple[str, int]]) -> Claim | None:
    """Claim the saga that is due longest, of those whose definition is among ``known``; None when none is.

    ``worker`` names the process; the claim's own name begins with it.
    """
    holder = f"{worker}:{uuid4().hex[:12]}"
    names, versions = [name for name, _ in known], [version for _, version in known]
    values = {"worker": holder, "lease_s": lease_s, "names": names, "versions": versions}
    with prepared.execute(_CLAIM, values) as cursor:
        found = cursor.fetchone()
    if found is None:
        return None
    return Claim(id=found[0], fence=found[1], worker=holder, version=found[2], claims=found[3], at=found[4])


def is_due(*, known: Sequence[tuple[str, int]]) -> bool:
    """Whether there is anything to claim."""
    names, versions = [name for name, _ in known], [version for _, version in known]
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"names": names, "versions": versions})
        return bool(cursor.fetchone()[0])


def keep(held: Sequence[Held], *, lease_s: float) -> int:
    """Lengthen the leases of what runs here; return how many are still ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP,
            {
                "lease_s": lease_s,
                "ids": [each.id for each in held],
                "fences": [each.fence for each in held],
                "workers": [each.worker for each in held],
                "untils": [each.until for each in held],
            },
        )
        return int(cursor.rowcount)


def postpone(*, known: Sequence[tuple[str, int]], postpone_s: float) -> int:
    """Put off what is due and unknown to this process's code; return how many."""
    names, versions = [name for name, _ in known], [version for _, version in known]
    with connection.cursor() as cursor:
        cursor.execute(_POSTPONE, {"postpone_s": postpone_s, "names": names, "versions": versions})
        return int(cursor.rowcount)


def put_off(claim: Claim, *, version: int, look_at: datetime | None) -> bool:
    """Give a claim back that had nothing to write down; return False if it was lost, or the history went on."""
    with connection.cursor() as cursor:
        cursor.execute(
            _PUT_OFF,
            {"id": claim.id, "fence": claim.fence, "worker": claim.worker, "version": version, "look_at": look_at},
        )
        return bool(cursor.rowcount)


def stands_at(claim: Claim, *, version: int) -> bool:
    """Whether the saga is still this claim's and its history has ``version`` entries."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDS, [claim.id, claim.fence, claim.worker, version])
        return cursor.fetchone() is not None


def lock(saga_id: UUID) -> tuple[int, int] | None:
    """Inside a transaction: keep everybody else from the saga until its end; return its fence and version."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [saga_id])
        found: tuple[int, int] | None = cursor.fetchone()
    return found
