"""When to tell somebody: only after trouble has lasted, and again only after it has been over for a while.

    quiet -> pending -> raised -> clearing -> quiet

The state of a rule on a group moves with what is seen; what was told is kept beside it. So a mute changes nothing but
who hears of it, and at its end they are told what still stands, not what has come and gone meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from reliability.lag.domain.time_lag import TimeLag
from reliability.lag.domain.values import Word


class Phase(StrEnum):
    """Where a rule on a group stands."""

    QUIET = "quiet"
    PENDING = "pending"  # the condition holds, not for long enough yet
    RAISED = "raised"
    CLEARING = "clearing"  # the condition is over, not for long enough yet


class Event(StrEnum):
    """What somebody is told."""

    RAISED = "raised"
    CLEARED = "cleared"


class Kind(StrEnum):
    """What a rule watches."""

    VERDICT = "verdict"
    TIME_LAG = "time_lag"
    ETA = "eta"
    LOSS = "loss"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is trouble, and for how many seconds it has to last, or be over, to be told.

    ``words`` are those that a VERDICT rule raises on; ``limit_s`` is what time lag or ETA must exceed, or the forecast
    of a loss fall below.
    """

    kind: Kind
    words: frozenset[Word] = frozenset()
    limit_s: float = 0.0
    raise_after_s: float = 0.0
    clear_after_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What rules look at. None: not known."""

    word: Word
    time_lag: TimeLag | None = None
    eta_s: float | None = None
    """``math.inf`` when the lag does not shrink."""
    loss_s: float | None = None
    """``math.inf`` when no loss is in sight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A rule on a group, between two looks. Times are Unix seconds."""

    phase: Phase = Phase.QUIET
    since_s: float = 0.0
    """When the phase began."""
    told: bool = False
    """Somebody was told that it is raised, and not yet that it is over."""
    muted_until_s: float = 0.0

    @property
    def is_up(self) -> bool:
        """Whether there is trouble: until it has been over for long enough."""
        return self.phase in (Phase.RAISED, Phase.CLEARING)


def holds(rule: Rule, figures: Figures) -> bool | None:
    """Return whether a rule's condition holds; None when that cannot be told."""
    match rule.kind:
        case Kind.VERDICT:
            if figures.word in rule.words:
                return True
            return None if figures.word is Word.UNKNOWN else False
        case Kind.TIME_LAG:
            return _time_lag_over(figures.time_lag, rule.limit_s)
        case Kind.ETA:
            return None if figures.eta_s is None else figures.eta_s > rule.limit_s
        case Kind.LOSS:
            return None if figures.loss_s is None else figures.loss_s < rule.limit_s


def step(state: State, condition: bool | None, *, rule: Rule, now_s: float) -> tuple[State, Event | None]:
    """Return the state after a look, and what to tell.

    What cannot be told (None) leaves the phase as it is: it neither raises nor clears, and what was waited for counts.
    """
    moved = state if condition is None else _moved(state, condition, rule, now_s)
    if now_s < moved.muted_until_s or moved.is_up == moved.told:
        return moved, None
    return replace(moved, told=moved.is_up), Event.RAISED if moved.is_up else Event.CLEARED


def mute(state: State, *, until_s: float) -> State:
    """Return the state with nobody told of anything until then; a time that is past ends a mute."""
    return replace(state, muted_until_s=until_s)


def _moved(state: State, condition: bool, rule: Rule, now_s: float) -> State:
    phase = state.phase
    if condition:
        if phase is Phase.QUIET:
            state = replace(state, phase=Phase.PENDING, since_s=now_s)
        elif phase is Phase.CLEARING:
            return replace(state, phase=Phase.RAISED, since_s=now_s)
        if state.phase is Phase.PENDING and now_s - state.since_s >= rule.raise_after_s:
            return replace(state, phase=Phase.RAISED, since_s=now_s)
        return state
    if phase is Phase.PENDING:
        return replace(state, phase=Phase.QUIET, since_s=now_s)
    if phase is Phase.RAISED:
        state = replace(state, phase=Phase.CLEARING, since_s=now_s)
    if state.phase is Phase.CLEARING and now_s - state.since_s >= rule.clear_after_s:
        return replace(state, phase=Phase.QUIET, since_s=now_s)
    return state


def _time_lag_over(lag: TimeLag | None, limit_s: float) -> bool | None:
    if lag is None:
        return None
    if lag.seconds > limit_s:
        return True
    return None if lag.at_least else False  # it may be any more than that
