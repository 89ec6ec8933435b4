"""How an alert on one thing stands: told of only after it has lasted, over only after it has been gone for a while.

    (nothing) -> pending -> firing -> clearing -> (nothing)

What nobody could look at stays as it is: it neither begins nor ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from reliability.alerts.domain.rule import Rule


class Phase(StrEnum):
    """Where an alert stands. Without one there is no alert."""

    PENDING = "pending"  # there, not for long enough yet
    FIRING = "firing"
    CLEARING = "clearing"  # gone, not for long enough yet


FLOWS: dict[Phase | None, frozenset[Phase | None]] = {
    None: frozenset({Phase.PENDING, Phase.FIRING}),
    Phase.PENDING: frozenset({Phase.FIRING, None}),
    Phase.FIRING: frozenset({Phase.CLEARING, None}),
    Phase.CLEARING: frozenset({Phase.FIRING, None}),
}
"""Every change that there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A phase, and since when."""

    phase: Phase
    since: datetime

    @property
    def is_up(self) -> bool:
        """Whether it is a part of an incident."""
        return self.phase is not Phase.PENDING


def step(state: State | None, is_there: bool | None, *, rule: Rule, now: datetime) -> State | None:
    """Return how an alert stands after a look; None: there is none (any more). ``is_there`` None: not known."""
    if is_there is None:
        return state
    if is_there:
        return _there(state, rule, now)
    return _gone(state, rule, now)


def _there(state: State | None, rule: Rule, now: datetime) -> State:
    if state is None:
        state = State(phase=Phase.PENDING, since=now)
    if state.phase is Phase.CLEARING:
        return State(phase=Phase.FIRING, since=now)
    if state.phase is Phase.PENDING and now - state.since >= timedelta(seconds=rule.raise_after_s):
        return State(phase=Phase.FIRING, since=now)
    return state


def _gone(state: State | None, rule: Rule, now: datetime) -> State | None:
    if state is None or state.phase is Phase.PENDING:
        return None
    if state.phase is Phase.FIRING:
        state = State(phase=Phase.CLEARING, since=now)
    return None if now - state.since >= timedelta(seconds=rule.clear_after_s) else state
