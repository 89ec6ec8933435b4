"""A policy: signals that degrade a flag and bring it back, as a pure machine that cannot flap.

normal --entered--> degraded
degraded --left--> normal

Held lies above both and leaves them alone: the budget of changes is spent, a person decides how it goes on. Every
function takes the time; with the same samples in the same order the same comes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from reliability.console.domain.conditions import LONGEST_S, Condition, Look, Reading, Run, WrongRule
from reliability.degradation.domain.flags import NAME

HOUR: Final = timedelta(hours=1)
CONDITIONS_MAX: Final = 20
FLIPS_MIN: Final = 2
FLIPS_MAX: Final = 60

Key = tuple[str, str]
"""A signal's name and what it is of."""


class Joined(StrEnum):
    """How many of the conditions it takes."""

    ANY = "any"
    ALL = "all"


class Moved(StrEnum):
    """What a step did."""

    NOTHING = ""
    ENTERED = "entered"
    LEFT = "left"
    HELD = "held"


class WrongPolicy(WrongRule):
    """A policy cannot be like this."""

    code = "wrong-policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Degrades ``flag`` to ``level`` while conditions are bad.

    It stays degraded for ``dwell_s`` seconds at the least. After ``flips_per_hour`` changes within an hour it keeps
    what is, and a person is asked.
    """

    name: str
    flag: str
    level: int
    conditions: tuple[Condition, ...]
    joined: Joined = Joined.ANY
    dwell_s: float = 60.0
    flips_per_hour: int = 6

    def __post_init__(self) -> None:
        """Refuse what makes no sense; raises ``WrongPolicy``."""
        if not NAME.fullmatch(self.name):
            raise WrongPolicy(
                f"{self.name[:80]!r} is no name: small letters, digits, ., - and _, such as slow-payments"
            )
        if self.level < 1:
            raise WrongPolicy("A policy degrades a flag: its level is 1 or more; at 0 nothing is lost.")
        if not 1 <= len(self.conditions) <= CONDITIONS_MAX:
            raise WrongPolicy(f"A policy has 1 to {CONDITIONS_MAX} conditions, this one has {len(self.conditions)}.")
        if len({condition.named for condition in self.conditions}) < len(self.conditions):
            raise WrongPolicy("A policy looks at each signal once: a second threshold is a second policy.")
        if not 0 <= self.dwell_s <= LONGEST_S:
            raise WrongPolicy(f"dwell_s is {self.dwell_s:g}; it is 0 to {LONGEST_S:g} seconds.")
        if not FLIPS_MIN <= self.flips_per_hour <= FLIPS_MAX:
            raise WrongPolicy(f"flips_per_hour is {self.flips_per_hour}; it is {FLIPS_MIN} to {FLIPS_MAX}.")

    @property
    def keys(self) -> list[Key]:
        """The signals that it looks at."""
        return [(condition.signal, condition.subject) for condition in self.conditions]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How a policy stands. ``since``: when it entered or left last; ``flips``: when, within the last hour.

    ``held``: since when it has kept what is because its budget is spent; None while it has not.
    """

    entered: bool = False
    since: datetime | None = None
    runs: tuple[Run, ...] = ()
    flips: tuple[datetime, ...] = ()
    held: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a step came to: the state after it, what moved, and why, in a sentence.

    ``unknown``: the signals of which nothing is known now. ``waits``: why what is due does not happen yet.
    """

    state: State
    moved: Moved = Moved.NOTHING
    why: str = ""
    unknown: tuple[str, ...] = ()
    waits: str = ""


def step(state: State, policy: Policy, readings: Mapping[Key, Reading | None], *, now: datetime) -> Step:
    """Return what follows from a look at the signals; raises ``ValueError`` for another policy's state."""
    runs = state.runs or tuple(Run() for _ in policy.conditions)
    if len(runs) != len(policy.conditions):
        raise ValueError("this state belongs to a policy with other conditions: see adapted()")
    looked = tuple(
        run.after(condition, readings.get((condition.signal, condition.subject)), now=now)
        for run, condition in zip(runs, policy.conditions, strict=True)
    )
    after = replace(state, runs=looked, flips=tuple(flip for flip in state.flips if now - flip < HOUR))
    unknown = tuple(
        condition.named
        for run, condition in zip(looked, policy.conditions, strict=True)
        if run.seen(condition, now=now) is Look.UNKNOWN
    )
    why = _why_leave(after, policy, now=now) if state.entered else _why_enter(after, policy, now=now)
    return _decided(after, policy, why, unknown, now=now)


def _decided(state: State, policy: Policy, why: str, unknown: tuple[str, ...], *, now: datetime) -> Step:
    if not why:
        waits = f"nothing is known of {', '.join(unknown)}, so it stays as it is" if unknown else ""
        return Step(state=state, unknown=unknown, waits=waits)
    if state.held is not None:
        return Step(state=state, unknown=unknown, waits="its budget of changes is spent: a person decides")
    if state.entered and state.since is not None and now - state.since < timedelta(seconds=policy.dwell_s):
        left = policy.dwell_s - (now - state.since).total_seconds()
        return Step(state=state, unknown=unknown, waits=f"it stays for {left:.0f} s more, whatever is measured")
    if len(state.flips) >= policy.flips_per_hour:
        told = f"it changed {len(state.flips)} times within an hour, which is all it may; it would now change as {why}"
        return Step(state=replace(state, held=now), moved=Moved.HELD, why=told, unknown=unknown)
    moved = Moved.LEFT if state.entered else Moved.ENTERED
    flipped = replace(state, entered=not state.entered, since=now, flips=(*state.flips, now))
    return Step(state=flipped, moved=moved, why=why, unknown=unknown)


def released(state: State) -> State:
    """Return the state after a person let it decide again, with a whole budget."""
    return replace(state, held=None, flips=())


def adapted(state: State, before: Policy, after: Policy) -> State:
    """Return the state for a policy that was changed: runs of conditions that are the same go on, others begin."""
    known = dict(zip(before.conditions, state.runs, strict=False))
    return replace(state, runs=tuple(known.get(condition, Run()) for condition in after.conditions))


def _why_enter(state: State, policy: Policy, *, now: datetime) -> str:
    bad = [(run, at) for run, at in _pairs(state, policy) if run.is_bad(at, now=now)]
    is_due = len(bad) == len(policy.conditions) if policy.joined is Joined.ALL else bool(bad)
    return _told(bad) if is_due else ""


def _why_leave(state: State, policy: Policy, *, now: datetime) -> str:
    """The opposite of entering: of *any*, all must be well again; of *all*, one is enough. Unknown is not well."""
    well = [(run, at) for run, at in _pairs(state, policy) if run.is_well(at, now=now)]
    is_due = bool(well) if policy.joined is Joined.ALL else len(well) == len(policy.conditions)
    return _told(well) if is_due else ""


def _pairs(state: State, policy: Policy) -> Iterable[tuple[Run, Condition]]:
    return zip(state.runs, policy.conditions, strict=True)


def _told(pairs: Iterable[tuple[Run, Condition]]) -> str:
    """What was measured, as a part of a sentence."""
    parts = []
    for run, condition in pairs:
        value = condition.told(run.value if run.value is not None else float("nan"))
        lasted = f" for {run.lasted_s():.0f} s" if run.lasted_s() >= 1 else ""
        parts.append(f"{condition.named} has been {value}{lasted}" if lasted else f"{condition.named} is {value}")
    return " and ".join(parts)
