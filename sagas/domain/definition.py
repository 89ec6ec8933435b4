"""Saying what a saga does: its steps, how each is undone, and when to give up.

Everything that can be said wrongly is refused here, when the program starts, by an error that shows how to say it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from reliability.kernel.errors import MainstayError
from sagas.domain.plan import Plan, StepPlan
from sagas.domain.policies import Retry, retry

Data = Mapping[str, Any]
Work = Callable[[Data, str], Mapping[str, Any] | None]
"""A step's function: takes the saga's data and an idempotency key, returns what to add to the data.

It says how it failed by raising ``Transient`` (try again), ``Permanent`` (never works) or ``Unknown`` (nobody knows
whether it happened). What else it raises counts as a bug: tried again as often as the policy says.
"""
Probe = Callable[[Data, str], Mapping[str, Any] | bool | None]
"""Asks whether the work with this key happened: its result or True (it did), False (it did not), None (not known)."""
WhenUnknown = Literal["person", "repeat"]
WhenLate = Literal["compensate", "person"]

EVENT_CHARACTERS_MAX = 200
STEPS_MAX = 100  # a picture of more fits no screen; make several sagas of it
DEFAULT_ATTEMPT = timedelta(seconds=30)
DEFAULT_SAGA = timedelta(hours=1)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class WrongDefinition(MainstayError):
    """The definition of a saga is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that does something; see ``step``."""

    name: str
    do: Work
    undo: Work | None
    probe: Probe | None
    retry: Retry
    undo_retry: Retry
    timeout: timedelta
    local: bool
    partial: bool
    unknown: WhenUnknown
    gives: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A step that waits for an event; see ``wait``."""

    name: str
    event: str
    deadline: timedelta
    late: WhenLate
    gives: Sequence[str]


@dataclass(frozen=True, slots=True)
class Pivot:
    """The point of no return; see ``pivot``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A saga as it was defined; ``plan`` is the part of it that every history carries along."""

    name: str
    version: int
    timeout: timedelta
    steps: Mapping[str, Step | Wait]
    plan: Plan

    def step(self, name: str) -> Step | Wait:
        """Return the step of that name; raises ``KeyError``."""
        return self.steps[name]


def step(
    name: str,
    *,
    do: Work,
    undo: Work | None = None,
    probe: Probe | None = None,
    retry: Retry = retry(),  # noqa: B008 - a frozen value
    undo_retry: Retry = retry(10),  # noqa: B008 - a frozen value
    timeout: timedelta = DEFAULT_ATTEMPT,
    local: bool = False,
    partial: bool = False,
    unknown: WhenUnknown = "person",
    gives: Sequence[str] = (),
) -> Step:
    """Return a step.

    ``undo`` takes back what ``do`` did; without it there is nothing to take back. ``timeout`` is the time for one
    try. ``local``: all that it does is in this database; it then runs in one transaction with the note that it is
    done, so it happens once. ``partial``: a try that failed may have done a part, so its ``undo`` runs as well.

    A try of a step that is not local may end without an answer: the time was over, or the process died. ``probe``
    then asks what happened. Without one, ``unknown="repeat"`` does it again with the same key, for another side that
    knows keys (and takes an undo of what never happened); ``"person"`` leaves it to an operator.

    ``gives``: what later steps read of its result; an operator who says in its place that it is done has to give it.
    Whoever decides about a saga is told the first sentence of the docstrings of ``do`` and ``undo``.
    """
    return Step(
        name=name,
        do=do,
        undo=undo,
        probe=probe,
        retry=retry,
        undo_retry=undo_retry,
        timeout=timeout,
        local=local,
        partial=partial,
        unknown=unknown,
        gives=gives,
    )


def wait(
    name: str, *, event: str, deadline: timedelta, late: WhenLate = "compensate", gives: Sequence[str] = ()
) -> Wait:
    """Return a step that waits until ``event`` is told of the saga's key, for ``deadline`` at most.

    ``gives``: what later steps read of its payload; an operator who says that it came has to give it.
    """
    return Wait(name=name, event=event, deadline=deadline, late=late, gives=gives)


def pivot() -> Pivot:
    """Return the point of no return: once the step before it is done, the saga only goes forward."""
    return Pivot()


def saga(
    name: str, *, version: int = 1, timeout: timedelta = DEFAULT_SAGA, steps: Sequence[Step | Wait | Pivot]
) -> Definition:
    """Return a checked definition; raises ``WrongDefinition``.

    ``version`` grows with every change of the steps: a saga that runs keeps the version it began with, so leave the
    older ones in the code until none of them runs. ``timeout``: before the pivot, a saga that takes longer is undone.
    """
    _check_name("saga", name)
    if version < 1:
        raise WrongDefinition(f"saga {name!r}: versions count from 1, this one is {version}")
    _check_duration(f"saga {name!r}: timeout", timeout)
    pivots = [place for place, each in enumerate(steps) if isinstance(each, Pivot)]
    named = [each for each in steps if not isinstance(each, Pivot)]
    if not named:
        raise WrongDefinition(f'saga {name!r} has no steps; give it one: steps=[step("charge", do=charge)]')
    if len(named) > STEPS_MAX:
        raise WrongDefinition(f"saga {name!r} has {len(named)} steps; at most {STEPS_MAX}: make several sagas of it")
    if len(pivots) > 1:
        raise WrongDefinition(f"saga {name!r} has {len(pivots)} pivots; there is one point of no return, or none")
    if pivots and pivots[0] == 0:
        raise WrongDefinition(f"saga {name!r} begins with its pivot; put it behind the step that cannot be taken back")
    seen: set[str] = set()
    for each in named:
        if each.name in seen:
            raise WrongDefinition(f"saga {name!r} has two steps named {each.name!r}; keys are made of names")
        seen.add(each.name)
        _check_step(name, each)
    boundary = pivots[0] if pivots else len(named)
    _check_ways_back(name, named[: boundary - 1] if pivots else named[:-1])
    return Definition(
        name=name,
        version=version,
        timeout=timeout,
        steps={each.name: each for each in named},
        plan=Plan(steps=tuple(_planned(each) for each in named), pivot=boundary if pivots else None),
    )


def _planned(each: Step | Wait) -> StepPlan:
    if isinstance(each, Wait):
        return StepPlan(name=each.name, event=each.event, late=each.late, gives=tuple(each.gives))
    return StepPlan(
        name=each.name,
        local=each.local,
        undoes=each.undo is not None,
        probes=each.probe is not None,
        partial=each.partial,
        unknown=each.unknown,
        gives=tuple(each.gives),
    )


def _check_step(saga_name: str, each: Step | Wait) -> None:
    where = f"saga {saga_name!r}, step {each.name!r}"
    _check_name("step", each.name)
    if not _are_names(each.gives):
        raise WrongDefinition(f"{where}: gives={each.gives!r}; it is a list of names, as in gives=['reference']")
    if isinstance(each, Wait):
        _check_wait(where, each)
        return
    _check_duration(f"{where}: timeout", each.timeout)
    for what, work in (("do", each.do), ("undo", each.undo), ("probe", each.probe)):
        if work is not None and not callable(work):
            raise WrongDefinition(f"{where}: {what} is {work!r}, not a function: leave its brackets out")
    if each.unknown not in ("person", "repeat"):
        raise WrongDefinition(f"{where}: unknown={each.unknown!r}; it is 'person' or 'repeat'")
    if each.partial and each.undo is None:
        raise WrongDefinition(f"{where}: partial says that a failed try is undone too: give it an undo")
    if each.local:
        _check_local(where, each)
    for policy in (each.retry, each.undo_retry):
        if policy.times is not None and policy.times < 1:
            raise WrongDefinition(f"{where}: tries count from 1; once() tries once")


def _are_names(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(name, str) and name for name in value)


def _check_wait(where: str, each: Wait) -> None:
    if not each.event.strip() or len(each.event) > EVENT_CHARACTERS_MAX or not each.event.isprintable():
        raise WrongDefinition(f"{where}: name the event to wait for, as in event='payment.settled'")
    _check_duration(f"{where}: deadline", each.deadline)
    if each.late not in ("compensate", "person"):
        raise WrongDefinition(f"{where}: late={each.late!r}; it is 'compensate' or 'person'")


def _check_local(where: str, each: Step) -> None:
    if each.probe is not None:
        raise WrongDefinition(f"{where}: a local step commits with its note, so its outcome is never unknown: no probe")
    if each.partial:
        raise WrongDefinition(f"{where}: a local step that fails is rolled back, so it is never half done: no partial")


def _check_ways_back(saga_name: str, before: Sequence[Step | Wait]) -> None:
    """Refuse a remote step in front of others that cannot be taken back, unless that is said: it is seldom meant."""
    for each in before:
        if isinstance(each, Step) and each.undo is None and not each.local:
            raise WrongDefinition(
                f"saga {saga_name!r}, step {each.name!r}: it has no undo, and later steps may fail. Give it one, put "
                f"pivot() behind it, or say that nothing is left to take back: undo=nothing"
            )


def nothing(data: Data, key: str) -> None:
    """An undo that has nothing to do."""


def _check_name(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise WrongDefinition(
            f"{name!r} is no name for a {what}: small letters, digits and _, beginning with a letter, at most 63"
        )


def _check_duration(what: str, value: object) -> None:
    if not isinstance(value, timedelta):
        raise WrongDefinition(f"{what} is {value!r}; say it with its unit, as seconds(10) or minutes(30)")
    if value <= timedelta(0):
        raise WrongDefinition(f"{what} is {value}; it is longer than no time")
