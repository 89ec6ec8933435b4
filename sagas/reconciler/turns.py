"""Whose turn it is: comparisons that were asked for, and those whose time has come; one at a time of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog
from django.db import connection

from reliability.kernel.clock import SYSTEM
from reliability.locks import operations as locks
from sagas import reconciliations
from sagas.domain.reconciling.definition import Reconciliation
from sagas.operations.reconciling import comparisons
from sagas.reconciler import policies
from sagas.reconciler.whole import Stopped, Whole

log = structlog.get_logger(__name__)

LEASE_S: Final = 30.0
"""How long a comparison stands still when its process is killed; it is kept up every few seconds."""

_IS_DUE = """
SELECT EXISTS (SELECT 1 FROM sagas_comparison WHERE reconciliation = %(name)s AND outcome = 'asked')
    OR NOT EXISTS (
        SELECT 1 FROM sagas_comparison
        WHERE reconciliation = %(name)s AND outcome <> 'abandoned'
            AND began_at > clock_timestamp() - make_interval(secs => %(every_s)s)
    )
"""


def step(*, stop: Callable[[], bool], most: int = 10) -> int:
    """Run comparisons that are due, ``most`` at most; return how many."""
    done = 0
    for defined in reconciliations.known():
        if done < most and not stop() and _is_due(defined):
            done += compare(defined, stop=stop)
    return done


def compare(reconciliation: Reconciliation, *, stop: Callable[[], bool], at_once: bool = False) -> bool:
    """Run one whole comparison, if it is due or ``at_once``, and then what rules may repair.

    False: it is not due, or another process is at it.
    """
    try:
        with locks.lease(name=f"reconcile:{reconciliation.name}", ttl_s=LEASE_S) as held:
            if not at_once and not _is_due(reconciliation):  # another process has just been at it
                return False
            renewed = SYSTEM.monotonic()

            def keep() -> None:
                nonlocal renewed
                if stop():
                    raise Stopped
                if SYSTEM.monotonic() - renewed > LEASE_S / 3:
                    held.renew(ttl_s=LEASE_S)
                    renewed = SYSTEM.monotonic()

            row = comparisons.begin(reconciliation.name, fence=held.fence)
            Whole(reconciliation, row, keep=keep).run()
            policies.step(reconciliation)
    except locks.LeaseTaken:
        return False
    except (Stopped, locks.LeaseLost):
        log.info("comparison_given_up", reconciliation=reconciliation.name)
        return False
    return True


def _is_due(reconciliation: Reconciliation) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_IS_DUE, {"name": reconciliation.name, "every_s": reconciliation.every.total_seconds()})
        return bool(cursor.fetchone()[0])
