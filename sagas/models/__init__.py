"""Tables of the sagas, of acts in bulk, and of what a reconciler finds."""

from __future__ import annotations

from sagas.models.batches import Batch, BatchItem
from sagas.models.reconciling import Comparison, Finding, FindingEntry, Touched
from sagas.models.sagas import Barrier, Event, Saga, Signal, Snapshot

__all__ = [
    "Barrier",
    "Batch",
    "BatchItem",
    "Comparison",
    "Event",
    "Finding",
    "FindingEntry",
    "Saga",
    "Signal",
    "Snapshot",
    "Touched",
]
