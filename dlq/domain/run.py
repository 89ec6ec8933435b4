"""A replay run: its states, and when it stops by itself.

running --pause--> paused
running --cancel--> stopping
running --stop--> stopped
running --settle--> finished
paused --resume--> running
paused --cancel--> stopping
paused --settle--> finished
stopped --resume--> running
stopped --cancel--> stopping
stopped --settle--> finished
stopping --drain--> cancelled

The lines above are the transition table; a test compares them with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dlq.domain.item import ItemState
from reliability.kernel.errors import Refused

FAILED_LIMIT = 0.2
"""The share of failures, of what is known so far, over which a run stops by itself."""

FAILURES_MIN = 5
"""Fewer failures never stop a run: a canary of one or two says too little about the other thousands."""


class RunState(StrEnum):
    """What a run is doing."""

    RUNNING = "running"
    PAUSED = "paused"  # by a person
    STOPPED = "stopped"  # by itself, because too much failed again
    STOPPING = "stopping"  # cancelled, and some items are still on their way
    CANCELLED = "cancelled"
    FINISHED = "finished"


class RunEvent(StrEnum):
    """What can happen to a run."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    STOP = "stop"
    SETTLE = "settle"  # nothing is left to send or to wait for
    DRAIN = "drain"  # nothing is on its way any more


class CannotNow(Refused):
    """The run is not in a state in which this can be done."""

    code = "run-state"


_S, _E = RunState, RunEvent

TRANSITIONS: dict[tuple[RunState, RunEvent], RunState] = {
    (_S.RUNNING, _E.PAUSE): _S.PAUSED,
    (_S.RUNNING, _E.CANCEL): _S.STOPPING,
    (_S.RUNNING, _E.STOP): _S.STOPPED,
    (_S.RUNNING, _E.SETTLE): _S.FINISHED,
    (_S.PAUSED, _E.RESUME): _S.RUNNING,
    (_S.PAUSED, _E.CANCEL): _S.STOPPING,
    (_S.PAUSED, _E.SETTLE): _S.FINISHED,
    (_S.STOPPED, _E.RESUME): _S.RUNNING,
    (_S.STOPPED, _E.CANCEL): _S.STOPPING,
    (_S.STOPPED, _E.SETTLE): _S.FINISHED,
    (_S.STOPPING, _E.DRAIN): _S.CANCELLED,
}

ENDED = frozenset({_S.CANCELLED, _S.FINISHED})


def moved(state: RunState, event: RunEvent) -> RunState:
    """Return the state after ``event``; raise ``CannotNow`` when it cannot happen in ``state``."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise CannotNow(f"The run is {state}; {event} is not possible.") from None


def can(state: RunState, event: RunEvent) -> bool:
    """Whether ``event`` can happen in ``state``; for showing or hiding a button."""
    return (state, event) in TRANSITIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How many items are in each state, and how many were refused for good; ``groupless``: sent, but to whom?"""

    states: Mapping[ItemState, int]
    refused: int = 0
    groupless: int = 0

    def of(self, state: ItemState) -> int:
        """Return the number of items in ``state``."""
        return self.states.get(state, 0)

    @property
    def total(self) -> int:
        return sum(self.states.values())

    @property
    def failures(self) -> int:
        """Items that failed again, and items that Kafka refused: both say that going on is no use."""
        return self.of(ItemState.FAILED_AGAIN) + self.refused

    @property
    def judged(self) -> int:
        """Items of which it is known whether they failed."""
        return self.failures + self.of(ItemState.CONFIRMED) + self.of(ItemState.PASSED)

    @property
    def fed(self) -> int:
        """Items that left the plan for the outbox, or were refused by it."""
        return self.total - self.of(ItemState.PLANNED) - self.of(ItemState.CANCELLED) + self.refused

    @property
    def waiting(self) -> int:
        """Items whose outcome will come by itself: on their way, or sent to a group that is known."""
        return self.of(ItemState.QUEUED) + self.of(ItemState.SENT) - self.groupless


def due(state: RunState, progress: Progress) -> RunEvent | None:
    """Return what happens to the run by itself now. Items that wait for a group to be chosen keep no run open."""
    if state is _S.STOPPING:
        return _E.DRAIN if not progress.of(ItemState.QUEUED) else None
    if state in ENDED or progress.of(ItemState.PLANNED) or progress.waiting:
        return None
    return _E.SETTLE


def stop_reason(
    progress: Progress, *, failed_limit: float | None, failures_before: int = 0, judged_before: int = 0
) -> str | None:
    """Return why a running run must stop, or None.

    ``failures_before`` and ``judged_before`` are what was known when the run was last resumed after a stop: the
    operator saw those and went on all the same. A ``failed_limit`` of None never stops.
    """
    failures, judged = progress.failures - failures_before, progress.judged - judged_before
    if failed_limit is None or failures < FAILURES_MIN or failures <= judged * failed_limit:
        return None
    return f"{failures} of {judged} had failed again when it stopped, more than {failed_limit:.0%}"
