"""What a process does with a call, out of what the fleet keeps and what the process itself has seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from reliability.breakers.domain import machine
from reliability.breakers.domain.evidence import HostCounts, summed
from reliability.breakers.domain.machine import NEVER, Breaker, Override, State
from reliability.breakers.domain.rules import Rules


class Decider(StrEnum):
    """Whose breaker decides."""

    FLEET = "fleet"
    ALONE = "alone"
    """Nothing is heard of the fleet: this process goes on from what it knew last."""
    ISOLATED = "isolated"
    """The fleet does well and this host does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a process treats calls until it hears something else. Instants are seconds of the fleet's clock.

    ``share``: percent of the calls that pass; from ``asks_from`` on, each of the others asks for a permit.
    """

    share: int
    asks_from: float
    decider: Decider
    breaker: Breaker

    def asks(self, now: float) -> bool:
        """Whether a call that does not pass asks for a permit now."""
        return now >= self.asks_from


def standing(fleet: Breaker, local: Breaker, rules: Rules, *, reachable: bool, now: float) -> Standing:
    """Return what holds now.

    A person's word holds whether the fleet is heard or not, until its time is over. Else the fleet decides while it is
    heard, unless it does well and this host alone does not; and this process alone while nothing is heard.
    """
    if fleet.overridden(now) is not Override.NONE:
        return Standing(share=fleet.share(rules, now), asks_from=NEVER, decider=Decider.FLEET, breaker=fleet)
    if reachable and (fleet.state is not State.CLOSED or local.state is State.CLOSED):
        decider, breaker = Decider.FLEET, fleet
    else:
        decider, breaker = (Decider.ISOLATED if reachable else Decider.ALONE), local
    return Standing(
        share=breaker.share(rules, now), asks_from=breaker.tries_from(rules), decider=decider, breaker=breaker
    )


def local_after(
    local: Breaker,
    fleet: Breaker,
    own: HostCounts,
    row: int,
    rules: Rules,
    *,
    reachable: bool,
    now: float,
    random: float,
) -> Breaker:
    """Return the process's own breaker after a look at what its host has seen; it is closed while the fleet decides."""
    if reachable and fleet.state is not State.CLOSED:
        return Breaker(since=now)
    alone = replace(rules, quorum=1)
    local = machine.counted(local, summed([own], row, alone), alone, now=now, random=random)
    return machine.ticked(local, alone, now=now, random=random)


def inherited(fleet: Breaker, *, now: float) -> Breaker:
    """Return the breaker with which a process goes on alone: what the fleet last was; probes of others are not its own.

    Nothing passes that did not pass before: what was half open may try anew, and a ramp goes on where it was.
    """
    if fleet.state is State.HALF_OPEN:
        return replace(fleet, state=State.OPEN, open_until=now, permits={}, passed=0, failed=0, override=Override.NONE)
    return replace(fleet, override=Override.NONE, override_until=0.0)
