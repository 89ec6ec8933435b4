"""The moves of a breaker that a fleet shares: look, decide by the machine, keep it where nobody was faster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Final, NamedTuple

import structlog

from reliability.breakers.domain import evidence, machine
from reliability.breakers.domain.evidence import HostCounts
from reliability.breakers.domain.machine import Breaker, Outcome, Override
from reliability.breakers.domain.rules import Rules
from reliability.breakers.stores.port import Kept, Pooled, Store, Told, Unreachable
from reliability.kernel.clock import SYSTEM
from reliability.kernel.dice import CHANCE

log = structlog.get_logger(__name__)

WITHIN_S: Final = 0.25
"""So long a move is tried anew where others were faster; then one trip to the store more, at most, is under way."""
WAITS_S: Final = (0.001, 0.02)
"""Bounds of the wait before another try: each that fails is a move of somebody else, of which a round has some."""

Move = Callable[[Breaker, float], Breaker]


class Permit(NamedTuple):
    """The right to try one call while a breaker is half open; ``gen`` is the round that it belongs to."""

    id: str
    gen: int


class Contended(Unreachable):
    """The store answers, and others were faster each time."""


class Judged(NamedTuple):
    """How a breaker stands, and what the asking host has told of it since it has this generation."""

    kept: Kept
    own: HostCounts


class Fleet:
    """The breakers of a store. Every method raises ``Unreachable`` when the store does."""

    def __init__(self, store: Store, *, dice: Callable[[], float] = CHANCE) -> None:
        self.store, self._dice = store, dice

    def read(self, names: Sequence[str]) -> Mapping[str, Kept]:
        """Return the breakers as they are kept."""
        return self.store.read(names)

    def tell(self, host: str, told: Sequence[Told], rules: Mapping[str, Rules]) -> Mapping[str, Judged]:
        """Add what a process of ``host`` counted; open what is bad enough; return how they stand."""
        pooled = self.store.tell(host, told)
        return {
            name: Judged(self._judged(name, found, rules[name]), found.hosts.get(host, HostCounts()))
            for name, found in pooled.items()
        }

    def _judged(self, name: str, pooled: Pooled, rules: Rules) -> Kept:
        sums = evidence.summed(list(pooled.hosts.values()), pooled.row, rules, row_hosts=pooled.row_hosts)
        seen = pooled.kept.breaker.gen if pooled.kept.breaker is not None else 1

        def judge(breaker: Breaker, now: float) -> Breaker:
            if breaker.gen == seen:  # else what was summed belongs to what was before
                breaker = machine.counted(breaker, sums, rules, now=now, random=self._dice())
            return machine.ticked(breaker, rules, now=now, random=self._dice())

        try:
            return self._move(name, judge, pooled.kept)
        except Contended:  # it moves as it is; what was told is kept, and looked at with the next telling
            return pooled.kept
        except Unreachable:
            raise
        except Exception:  # one breaker with rules that fail must not take the others' looks away
            log.exception("breaker_not_judged", name=name)
            return pooled.kept

    def permit(self, name: str, permit: str, rules: Rules) -> tuple[Kept, Permit | None]:
        """Ask to try a call; return how the breaker stands, and the permit, if it was given.

        Raises ``Contended`` when so many others ask that it has no turn in time: they try, this one need not.
        """
        given = False

        def ask(breaker: Breaker, now: float) -> Breaker:
            nonlocal given
            breaker, given = machine.permitted(breaker, permit, rules, now=now, random=self._dice())
            return breaker

        kept = self._move(name, ask)
        gen = kept.breaker.gen if kept.breaker is not None else 1
        return kept, Permit(permit, gen) if given else None

    def report(self, name: str, permit: Permit, outcome: Outcome | None, rules: Rules) -> Kept:
        """Tell how a probe ended; None: it was called off and says nothing. Raises ``Contended``."""

        def tell(breaker: Breaker, now: float) -> Breaker:
            told = {"now": now, "random": self._dice()}
            if outcome is None:
                return machine.handed_back(breaker, permit.id, permit.gen, rules, **told)
            return machine.reported(breaker, permit.id, permit.gen, outcome, rules, **told)

        return self._move(name, tell)

    def tick(self, name: str, rules: Rules) -> Kept:
        """Do what time alone brings."""
        return self._move(name, lambda breaker, now: machine.ticked(breaker, rules, now=now, random=self._dice()))

    def lay_over(self, name: str, override: Override, *, until: float, gen: int) -> Kept:
        """Lay an override over it; raises ``Superseded`` when ``gen`` is not its generation any more."""
        return self._move(
            name, lambda breaker, now: machine.laid_over(breaker, override, until=until, gen=gen, now=now)
        )

    def reset(self, name: str, *, gen: int) -> Kept:
        """Close it as if nothing had happened; raises ``Superseded``."""
        return self._move(name, lambda breaker, now: machine.reset(breaker, gen=gen, now=now))

    def restore(self, name: str, known: Breaker) -> Kept:
        """Put back what a process knows and the store has lost: never an older generation over a newer one."""
        return self._move(name, lambda breaker, now: known if known.gen > breaker.gen else breaker)

    def _move(self, name: str, move: Move, kept: Kept | None = None) -> Kept:
        end_s, wait_s = monotonic() + WITHIN_S, WAITS_S[0]
        while True:
            kept = kept or self.store.read([name])[name]
            before = kept.breaker or Breaker(since=kept.now)
            after = move(before, kept.now)
            if after == before:
                return kept if kept.breaker is not None else Kept(breaker=before, text=kept.text, now=kept.now)
            if monotonic() >= end_s:
                raise Contended(f"{name} was changed by others all the time for {WITHIN_S} s, or its store is slow")
            swapped = self.store.swap(name, kept, after)
            if swapped is not None:
                return swapped
            SYSTEM.sleep(self._dice() * wait_s)
            kept, wait_s = None, min(WAITS_S[1], wait_s * 2)
