"""Tables of the sagas and of what a reconciler finds."""

from __future__ import annotations

from sagas.models.reconciling import Comparison, Finding, FindingEntry, Touched
from sagas.models.sagas import Barrier, Event, Saga, Signal, Snapshot

__all__ = ["Barrier", "Comparison", "Event", "Finding", "FindingEntry", "Saga", "Signal", "Snapshot", "Touched"]
