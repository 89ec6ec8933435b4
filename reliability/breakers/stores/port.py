"""What is asked of whatever keeps the breakers of a fleet. One suite of tests holds for all that do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from reliability.breakers.domain.evidence import Counts, HostCounts
from reliability.breakers.domain.machine import Breaker


class Unreachable(Exception):
    """Whatever keeps the breakers does not answer in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A breaker as it is kept. ``now``: the one clock of all who share it, in seconds; it never goes back.

    ``breaker`` None: nothing is kept under this name. ``text``: how it is kept, by which a change finds out whether
    somebody else was faster.
    """

    breaker: Breaker | None
    text: str
    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one process tells of one breaker. ``gen``: the generation under which its calls were let through."""

    name: str
    gen: int
    window_s: int
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """A breaker, and what its fleet has told within the window since it has this generation.

    ``hosts``, by name, is empty while nothing was bad: what only does well opens nothing. ``row``: failures in a row,
    over all hosts; ``row_hosts``: on how many they were.
    """

    kept: Kept
    hosts: Mapping[str, HostCounts] = field(default_factory=dict)
    row: int = 0
    row_hosts: int = 0


class Store(Protocol):
    """Keeps breakers. Every call raises ``Unreachable``, after a short time of its own."""

    def read(self, names: Sequence[str]) -> Mapping[str, Kept]:
        """Return the breakers of these names."""

    def swap(self, name: str, kept: Kept, after: Breaker) -> Kept | None:
        """Keep ``after`` instead of ``kept``, in one step; None, and no change, when something else is kept by now.

        A new generation is told to all who listen.
        """

    def tell(self, host: str, told: Sequence[Told]) -> Mapping[str, Pooled]:
        """Add what a process of ``host`` counted; return what each of these breakers has come to.

        What was let through under another generation says nothing of this one, and is counted as traffic alone.
        """

    def changes(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return what persons have changed of these breakers' rules, as text; "" where nothing is changed."""

    def say_changes(self, name: str, changes: str) -> None:
        """Tell all of what a person has changed of a breaker's rules."""

    def beat(self, process: str, said: str, declared: Mapping[str, str], named: Mapping[str, str] | None = None) -> int:
        """Say that a process lives and what it goes by; return a number that grows when any moves.

        ``declared``: the rules that its code has for breakers, as text, by name; ``named``: those of breakers that it
        only names, kept where nobody has declared any.
        """

    def declared(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return the rules that code has declared, as text, of those of these breakers that have any."""
