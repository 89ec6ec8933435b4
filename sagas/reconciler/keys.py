"""Looking at some keys: those that a replay, a saga or a repair has just changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog

from sagas import reconciliations
from sagas.domain.reconciling.comparing import judge
from sagas.domain.reconciling.definition import Reconciliation
from sagas.operations.reconciling import observing, touching
from sagas.queries import findings, reading

log = structlog.get_logger(__name__)

AGAIN: Final = timedelta(seconds=3)
"""Between two looks at a key that is being repaired."""
BATCHES_MAX: Final = 50  # of one turn: a flood of touched keys gives its worker back now and then


def look(reconciliation: Reconciliation, keys: Sequence[str]) -> observing.Observed:
    """Read both sides for ``keys`` and write down what they say; what cannot be read waits for the next comparison."""
    read = reading.read(reconciliation, keys)
    judged = [judge(reconciliation, pair) for pair in read.pairs]
    found = observing.observe(reconciliation, judged, at=read.at)
    wait = findings.in_motion(reconciliation.name, keys, now=read.at)
    for after, some in wait.items():
        touching.touch(reconciliation.name, some, after=max(after, AGAIN))
    if read.unread:
        log.warning("keys_unread", reconciliation=reconciliation.name, keys=len(read.unread))
    return found


def step() -> int:
    """Look at keys that are due; return how many there were."""
    known = [each.name for each in reconciliations.known() if each.expected.looks_up and each.seen.looks_up]
    done = 0
    for _ in range(BATCHES_MAX):
        taken = touching.take(known)
        if taken is None:
            break
        name, keys = taken
        defined = reconciliations.find(name)
        if defined is not None:
            look(defined, keys)
        done += len(keys)
    return done
