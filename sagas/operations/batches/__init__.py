"""Acts in bulk: a list is frozen and looked at, then worked off by any worker, each item an act of its own."""

from __future__ import annotations

from sagas.operations.batches.planning import forget_unstarted, plan
from sagas.operations.batches.starting import NothingToDo, PlanChanged, PlanOld, Started, cancel, start
from sagas.operations.batches.working import step

__all__ = [
    "NothingToDo",
    "PlanChanged",
    "PlanOld",
    "Started",
    "cancel",
    "forget_unstarted",
    "plan",
    "start",
    "step",
]
