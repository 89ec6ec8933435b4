"""What a process knows of one breaker: how the fleet has it, and its own beside it."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import Final

import structlog

from reliability.breakers.domain import machine
from reliability.breakers.domain.evidence import Counts, HostCounts, Window
from reliability.breakers.domain.machine import Breaker, Outcome, Override, State
from reliability.breakers.domain.rules import Rules
from reliability.breakers.domain.standing import inherited, local_after, standing
from reliability.breakers.guard.guard import Guard
from reliability.breakers.stores.fleet import Permit
from reliability.breakers.stores.port import Kept, Told

log = structlog.get_logger(__name__)

KEPT_TALLIES: Final = 4


class Side:
    """One breaker in one process. Whoever changes it holds the agent's lock; instants are the fleet's.

    ``fleet``: what is known of it beforehand. ``is_alone``: nothing is heard of the fleet, or not all of it yet.
    """

    def __init__(self, guard: Guard, fleet: Breaker | None = None) -> None:
        self.guard = guard
        self.fleet = fleet or Breaker()
        self.local = Breaker()
        self.own = HostCounts()
        self._window = Window(guard.rules.window_s)
        self._alone_from: int | None = None
        """The fleet's generation that was known when nothing was heard any more."""

    @property
    def is_alone(self) -> bool:
        """Whether this process goes on by itself."""
        return self._alone_from is not None

    @property
    def is_restless(self) -> bool:
        """Whether it may have moved without a call of this process."""
        return self.fleet.state is not State.CLOSED or self.fleet.override is not Override.NONE

    def taken(self) -> list[Told]:
        """Take what was counted since the last look, by generation."""
        guard, found = self.guard, []
        for tally in list(guard.tallies):
            counts = tally.taken()
            if counts:
                found.append(self._told(tally.gen, counts))
            if tally is guard.tally:
                self._window.add(counts, now=guard.now())
        if len(guard.tallies) > KEPT_TALLIES:  # calls that began so long ago count no more
            del guard.tallies[:-KEPT_TALLIES]
        return found

    def asking(self) -> Told:
        """Return what is told to hear how it stands."""
        return self._told(self.fleet.gen, Counts())

    def _told(self, gen: int, counts: Counts) -> Told:
        return Told(name=self.guard.name, gen=gen, window_s=self.guard.rules.window_s, counts=counts)

    def hear(self, kept: Kept, own: HostCounts | None = None) -> None:
        """Know how the fleet has it. What this process saw before the fleet moved says nothing any more.

        While it is alone it goes by what it hears only towards the safe side: one answer is no fleet that is back.
        """
        self.guard.offset = kept.now - monotonic()
        self._know(kept.breaker or Breaker())
        self.own = own if own is not None else HostCounts()

    def learn(self, known: Breaker) -> None:
        """Know how the fleet had it from elsewhere, where it cannot be asked; never an older generation."""
        if known.gen > self.fleet.gen:
            self._know(known)

    def _know(self, fleet: Breaker) -> None:
        has_moved, self.fleet = fleet.gen != self.fleet.gen, fleet
        if has_moved and self.is_alone:
            self._inherit()
        elif has_moved:
            self._begin(Breaker(since=self.guard.now()))

    def left_alone(self) -> None:
        """Nothing is heard of the fleet any more: go on from what it was, if it was not closed."""
        if self._alone_from is None:
            self._alone_from = self.fleet.gen
            self._inherit()

    def rejoined(self) -> None:
        """All is heard again. Where the fleet has moved meanwhile, what this process did alone says nothing more."""
        if self._alone_from is not None and self._alone_from != self.fleet.gen:
            self._begin(Breaker(since=self.guard.now()))
        self._alone_from = None

    def follow(self, rules: Rules) -> None:
        """Go by these rules from now on; what a window of another length held says nothing."""
        if rules.window_s != self.guard.rules.window_s:
            self._window = Window(rules.window_s)
        if rules != self.guard.rules:
            self.guard.follow(rules)

    def _inherit(self) -> None:
        if self.fleet.state is not State.CLOSED:
            self._begin(inherited(self.fleet, now=self.guard.now()))

    def settle(self, *, random: float) -> None:
        """Find out what holds now, and have the guard go by it; rules that fail leave it as it is."""
        try:
            self._settle(random=random)
        except Exception:  # the looks at other breakers must go on
            log.exception("breaker_not_settled", name=self.guard.name)

    def _settle(self, *, random: float) -> None:
        now, rules, reachable = self.guard.now(), self.guard.rules, not self.is_alone
        pooled = reachable and (self.local.gen == 1 or now - self.local.since >= rules.window_s)
        seen = self._window.counts(now=now)
        own = self.own if pooled and self.own.calls > seen.calls else seen
        row = self._window.row
        self._became(local_after(self.local, self.fleet, own, row, rules, reachable=reachable, now=now, random=random))
        found = standing(self.fleet, self.local, rules, reachable=reachable, now=now)
        self.guard.stand(found, self.fleet.gen, self.guard.offset)

    def permit(self, permit: str, *, random: float) -> Permit | None:
        """Ask the process's own breaker."""
        after, may = machine.permitted(self.local, permit, self._alone(), now=self.guard.now(), random=random)
        self._became(after)
        return Permit(permit, after.gen) if may else None

    def report(self, permit: Permit, outcome: Outcome | None, *, random: float) -> None:
        """Tell the process's own breaker how a probe ended."""
        now, rules = self.guard.now(), self._alone()
        if outcome is None:
            after = machine.handed_back(self.local, permit.id, permit.gen, rules, now=now, random=random)
        else:
            after = machine.reported(self.local, permit.id, permit.gen, outcome, rules, now=now, random=random)
        self._became(after)

    def _became(self, after: Breaker) -> None:
        if after.gen != self.local.gen:
            self._begin(after)
        self.local = after

    def _alone(self) -> Rules:
        return replace(self.guard.rules, quorum=1)

    def _begin(self, local: Breaker) -> None:
        self.local, self._window = local, Window(self.guard.rules.window_s)
