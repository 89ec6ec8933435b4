"""Repairs that need nobody: applied by rule, so many in so long, and no more."""

from __future__ import annotations

import structlog

from reliability import access
from reliability.kernel.errors import MainstayError
from sagas.domain.reconciling.definition import Difference, Reconciliation
from sagas.operations.reconciling import repairing
from sagas.queries import findings

log = structlog.get_logger(__name__)


def step(reconciliation: Reconciliation) -> int:
    """Apply what rules may apply; return how many repairs were. A refusal is on record and stays with its finding."""
    done = 0
    if access.is_read_only():
        return done
    for kind in reconciliation.differences:
        if kind.repairs and kind.repairs[0].policy is not None:
            done += _apply(reconciliation, kind)
    return done


def actor_name(reconciliation: str) -> str:
    """The name under which a reconciliation's rules act."""
    return f"reconcile:{reconciliation}"


def _apply(reconciliation: Reconciliation, kind: Difference) -> int:
    repair = kind.repairs[0]
    policy = repair.policy
    if policy is None:
        return 0
    actor = access.policy_actor(actor_name(reconciliation.name))
    used = findings.repaired_by(actor.name, reconciliation.name, repair.name, since=policy.per)
    left = policy.at_most - used
    if left <= 0:
        return 0
    done = 0
    for finding_id in findings.unrepaired(reconciliation.name, kind.name, limit=left):
        try:
            repairing.apply(
                finding_id,
                repair=repair.name,
                plan_hash="",
                actor=actor,
                reason=f"By rule: {repair.title}, at most {policy.at_most} in {policy.per}.",
            )
        except MainstayError as error:
            log.warning("repair_by_rule_refused", finding=finding_id, repair=repair.name, reason=str(error))
            continue
        done += 1
    return done
