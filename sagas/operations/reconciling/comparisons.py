"""A comparison's own row: asked for, begun, on its way, ended."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from django.db import connection

from reliability import access, audit, live
from reliability.kernel.errors import Refused
from sagas import reconciliations
from sagas.domain.reconciling.outcome import Outcome
from sagas.models import Comparison
from sagas.queries import histories

COMPARE: Final = "reconcile.compare"


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far a comparison came: keys compared, those on which the sides differ, those without a verdict.

    ``error`` is the first thing that went wrong.
    """

    id: int
    fence: int
    outcome: Outcome = Outcome.RUNNING
    compared: int = 0
    differing: int = 0
    opened: int = 0
    closed: int = 0
    unread: int = 0
    unjudged: int = 0
    error: str = ""


_BEGIN = """
UPDATE sagas_comparison SET outcome = 'running', began_at = clock_timestamp(), fence = %(fence)s
WHERE id = (
    SELECT id FROM sagas_comparison WHERE reconciliation = %(name)s AND outcome = 'asked' ORDER BY id LIMIT 1
)
RETURNING id
"""
_SWEEP = """
DELETE FROM sagas_comparison WHERE id IN (
    SELECT id FROM sagas_comparison WHERE asked_at < clock_timestamp() - interval '14 days' ORDER BY id LIMIT 5000
)
"""
_FORGET = """
WITH over AS (
    SELECT id FROM sagas_finding WHERE rank = 4 AND ended_at < clock_timestamp() - interval '90 days'
    ORDER BY ended_at LIMIT 1000 FOR UPDATE SKIP LOCKED
), lines AS (
    DELETE FROM sagas_findingentry USING over WHERE finding_id = over.id
)
DELETE FROM sagas_finding USING over WHERE sagas_finding.id = over.id
"""


class NoSuchReconciliation(Refused):
    """There is no such reconciliation."""

    code = "not-found"
    status = 404


def ask(name: str, *, actor: access.Actor) -> int:
    """Have both sides compared now, and return the comparison's number: that of one that waits already, if one does.

    Raises ``access.Denied`` and ``NoSuchReconciliation``.
    """
    with audit.action(COMPARE, actor=actor, target=f"reconciliation:{name}"):
        if reconciliations.find(name) is None:
            raise NoSuchReconciliation(f"There is no reconciliation {name!r}.")
        _serialise(name)
        waits = Comparison.objects.filter(reconciliation=name, outcome=Outcome.ASKED).first()
        if waits is None:
            waits = Comparison.objects.create(
                reconciliation=name,
                outcome=Outcome.ASKED,
                asked_by=actor.name,
                asked_at=histories.database_now(),
            )
        live.changed("findings")
    return waits.id


def begin(name: str, *, fence: int) -> Progress:
    """Begin the comparison that was asked for, else one because it is its turn. Whoever holds the lease calls this.

    What is still said to run was left by a process that ended: its lease was over.
    """
    Comparison.objects.filter(reconciliation=name, outcome=Outcome.RUNNING).update(
        outcome=Outcome.ABANDONED, ended_at=histories.database_now(), error="Its process ended before its end."
    )
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, {"name": name, "fence": fence})
        asked = cursor.fetchone()
    if asked is not None:
        return Progress(id=asked[0], fence=fence)
    now = histories.database_now()
    made = Comparison.objects.create(
        reconciliation=name, outcome=Outcome.RUNNING, asked_at=now, began_at=now, fence=fence
    )
    return Progress(id=made.id, fence=fence)


def note(progress: Progress) -> bool:
    """Write down how far a comparison came; False when it was given up for lost meanwhile."""
    values = {name: value for name, value in asdict(progress).items() if name not in ("id", "fence")}
    ended_at = None if progress.outcome is Outcome.RUNNING else histories.database_now()
    still = Comparison.objects.filter(id=progress.id, outcome=Outcome.RUNNING, fence=progress.fence)
    kept = bool(still.update(**values, ended_at=ended_at))
    live.changed("findings")
    return kept


def sweep() -> int:
    """Forget comparisons after two weeks and findings that closed three months ago; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(_SWEEP)
        forgotten = int(cursor.rowcount)
        cursor.execute(_FORGET)
        return forgotten + int(cursor.rowcount)


def _serialise(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7303))", [name])
