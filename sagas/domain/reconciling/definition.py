"""Saying what is compared: two sides, what must hold between them, how they can differ, and what mends each way.

Everything that can be said wrongly is refused here, when the program starts, by an error that shows how to say it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

from reliability.kernel.errors import MainstayError
from sagas.domain.reconciling.commands import Command
from sagas.domain.reconciling.pair import Pair, Row

EVERY: Final = timedelta(minutes=1)
PATIENCE: Final = timedelta(minutes=2)
DIFFERENCES_MAX: Final = 50  # a list of more ways to differ is one that nobody reads
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
Severity = Literal["warn", "crit"]


class WrongReconciliation(MainstayError):
    """The definition of a reconciliation is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a side said of some keys: their rows, and of which it gave no answer, with the reason.

    A key in neither has no rows: a side says so only in an answer that is whole.
    """

    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)


class Side(Protocol):
    """One of the two things that are compared. ``streams`` and ``looks_up`` say which of the two ways it has."""

    @property
    def what(self) -> str: ...
    @property
    def streams(self) -> bool: ...
    @property
    def looks_up(self) -> bool: ...

    def stream(self) -> Iterator[tuple[str, Row]]:
        """Yield every row with its key, in the order of the keys' code points; raises ``SideError``."""

    def lookup(self, keys: Sequence[str]) -> Looked:
        """Return what there is of some keys; what cannot be read is said, not raised."""


class SideError(MainstayError):
    """A side could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """Something that holds of every pair when all is well, in words and as a test."""

    name: str
    title: str
    holds: Callable[[Pair], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Automatic:
    """A repair that needs nobody, ``at_most`` times in ``per``: beyond it something else is wrong: a person looks."""

    at_most: int
    per: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What would make both sides agree.

    ``commands`` returns what is to be done for a pair, given a key that is the same for every try of one repair;
    ``leads_to`` the pair as it should be afterwards. ``policy`` None: a person applies it.
    """

    name: str
    title: str
    commands: Callable[[Pair, str], Sequence[Command]]
    leads_to: Callable[[Pair], Pair]
    policy: Automatic | None
    patience: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One way in which the sides differ, and its repairs, the best one first; without one a person is asked."""

    name: str
    title: str
    when: Callable[[Pair], bool]
    why: Callable[[Pair], str]
    grace: timedelta
    since: Callable[[Pair], datetime | None] | None
    severity: Severity
    repairs: Sequence[Repair]

    def repair(self, name: str) -> Repair | None:
        """Return the repair of that name."""
        return next((each for each in self.repairs if each.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Two sides that should agree; see ``reconciliation``."""

    name: str
    title: str
    expected: Side
    seen: Side
    key_name: str
    invariants: Sequence[Invariant]
    differences: Sequence[Difference]
    every: timedelta
    sagas: frozenset[str]
    topics: frozenset[str]

    def difference(self, name: str) -> Difference | None:
        """Return the difference of that name."""
        return next((each for each in self.differences if each.name == name), None)


def invariant(name: str, title: str, *, holds: Callable[[Pair], bool]) -> Invariant:
    """Return something that must hold; ``title`` says it in a sentence."""
    return Invariant(name=name, title=title, holds=holds)


def automatic(*, at_most: int = 20, per: timedelta = timedelta(hours=1)) -> Automatic:
    """Return the policy of a repair that is safe to apply without anybody, ``at_most`` times in ``per``."""
    return Automatic(at_most=at_most, per=per)


def repair(
    name: str,
    title: str,
    *,
    commands: Callable[[Pair, str], Sequence[Command]],
    leads_to: Callable[[Pair], Pair],
    policy: Automatic | None = None,
    patience: timedelta = PATIENCE,
) -> Repair:
    """Return a repair.

    ``commands`` gets a pair and a key that is the same until the repair was applied. ``patience``: how long the sides
    may take to agree after it; then a person is asked again, and a second try has another key, although the first may
    only be late. So what a command asks for has to be harmless twice: say what should be, or make a key of what the
    pair says, as ``sagas.orders.domain.agreement`` does for refunds.
    """
    return Repair(name=name, title=title, commands=commands, leads_to=leads_to, policy=policy, patience=patience)


def difference(
    name: str,
    title: str,
    *,
    when: Callable[[Pair], bool],
    why: Callable[[Pair], str],
    grace: timedelta = timedelta(0),
    since: Callable[[Pair], datetime | None] | None = None,
    severity: Severity = "crit",
    repairs: Sequence[Repair] = (),
) -> Difference:
    """Return a way to differ.

    ``why`` says in a sentence what is wrong with a pair. ``grace`` is how long it may last, because the sides often
    agree by themselves a little later: from the time that ``since`` returns, else from the first look that saw it.
    """
    return Difference(
        name=name,
        title=title,
        when=when,
        why=why,
        grace=grace,
        since=since,
        severity=severity,
        repairs=tuple(repairs),
    )


def reconciliation(
    name: str,
    title: str,
    *,
    expected: Side,
    seen: Side,
    differences: Sequence[Difference],
    invariants: Sequence[Invariant] = (),
    every: timedelta = EVERY,
    key_name: str = "key",
    sagas: Sequence[str] = (),
    topics: Sequence[str] = (),
) -> Reconciliation:
    """Return a reconciliation; the first difference whose ``when`` is true is the one that a pair has.

    ``sagas`` and ``topics``: when a saga of these definitions ends or waits for a person, or a replay of letters of
    these topics is through, their keys are looked at at once. Raises ``WrongReconciliation``.
    """
    defined = Reconciliation(
        name=name,
        title=title,
        expected=expected,
        seen=seen,
        key_name=key_name,
        invariants=tuple(invariants),
        differences=tuple(differences),
        every=every,
        sagas=frozenset(sagas),
        topics=frozenset(topics),
    )
    wrong = _wrong(defined)
    if wrong:
        raise WrongReconciliation(f"reconciliation {name!r}: {wrong}")
    return defined


def _wrong(defined: Reconciliation) -> str:
    names = [defined.name, *(each.name for each in defined.differences), *(each.name for each in defined.invariants)]
    names += [each.name for kind in defined.differences for each in kind.repairs]
    bad = next((each for each in names if not _NAME.fullmatch(each)), None)
    if bad is not None:
        return f"{bad!r} is no name: it begins with a small letter and has small letters, digits and _ , 63 at most"
    if not defined.differences or len(defined.differences) > DIFFERENCES_MAX:
        return f"it says no way to differ, or more than {DIFFERENCES_MAX}: give differences=[difference(...), ...]"
    twice = _twice([each.name for each in defined.differences]) or _twice([each.name for each in defined.invariants])
    if twice:
        return f"the name {twice!r} is given twice; stored findings are told apart by it"
    if defined.every < timedelta(seconds=1):
        return "every is less than a second: both sides are read whole each time"
    return _wrong_sides(defined) or _wrong_times(defined)


def _wrong_sides(defined: Reconciliation) -> str:
    if not defined.expected.streams:
        return f"{defined.expected.what} cannot be read whole, so nobody knows which keys there are: expected streams"
    if not defined.seen.streams and not defined.seen.looks_up:
        return f"{defined.seen.what} can neither be read whole nor asked for keys"
    if (defined.sagas or defined.topics) and not (defined.expected.looks_up and defined.seen.looks_up):
        return "sagas and topics name keys to be looked at, but a side cannot be asked for keys: give it a lookup"
    return ""


def _wrong_times(defined: Reconciliation) -> str:
    for kind in defined.differences:
        if kind.grace < timedelta(0):
            return f"the grace of {kind.name} is negative"
        twice = _twice([each.name for each in kind.repairs])
        if twice:
            return f"{kind.name} has two repairs named {twice!r}"
        for each in kind.repairs:
            if each.patience <= timedelta(0):
                return f"the patience of {each.name} must be more than nothing: nothing is repaired at once"
            if each.policy is not None and (each.policy.at_most < 1 or each.policy.per <= timedelta(0)):
                return f"the policy of {each.name} allows nothing: at_most is 1 or more, per is more than nothing"
        if len(kind.repairs) > 1 and any(each.policy for each in kind.repairs[1:]):
            return f"only the first repair of {kind.name} can be automatic: nobody would be there to choose another"
        if kind.repairs and not (defined.expected.looks_up and defined.seen.looks_up):
            return f"{kind.repairs[0].name} looks at both sides before it acts, but a side cannot be asked for keys"
    return ""


def _twice(names: Sequence[str]) -> str:
    known: set[str] = set()
    for each in names:
        if each in known:
            return each
        known.add(each)
    return ""
