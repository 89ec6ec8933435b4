"""The breaker that a fleet shares, as a pure machine: the measure for whatever keeps it, in memory or in Redis.

closed --tripped--> open
open --permitted--> half_open
half_open --reported--> half_open
half_open --reported--> open
half_open --reported--> recovering
half_open --lost--> open
half_open --overridden--> open
recovering --tripped--> open
recovering --ticked--> closed

The lines above are the transition table of the states; a test compares them with what the machine does. Overrides lie
above the states and leave them alone. Every function takes the time of the one clock that all share, in seconds.
Sources: the permits' deadlines, the generation and the quorum answer defects of fleets that were measured; thresholds
as in resilience4j (a rate that is equal opens).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from reliability.breakers.domain.rules import Rules
from reliability.kernel.errors import Refused

NEVER = float("inf")


class State(StrEnum):
    """How it stands by itself."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    RECOVERING = "recovering"


class Override(StrEnum):
    """What a person has laid above it, until a time."""

    NONE = ""
    FORCED_OPEN = "forced_open"
    FORCED_CLOSED = "forced_closed"
    METRICS_ONLY = "metrics_only"


class Outcome(StrEnum):
    """How a probe ended."""

    OK = "ok"
    ERROR = "error"
    SLOW = "slow"


class Superseded(Refused):
    """Somebody else has changed the breaker since it was looked at."""

    code = "superseded"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What a fleet counted within the window, since the state began. ``failed`` and ``slow`` are parts of ``calls``.

    ``row``: failures in a row, at the end, and on how many hosts (``row_hosts``); ``hosts`` that made calls, and how
    many of these saw trouble.
    """

    calls: int = 0
    failed: int = 0
    slow: int = 0
    row: int = 0
    row_hosts: int = 0
    hosts: int = 0
    troubled: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """One breaker. ``gen`` grows with every transition and override, so that what is late can be told from what is new.

    ``attempt``: how often in a row it is open; ``permits``: probes under way, with their deadlines; ``since``: when
    the state began. ``reason``: why it is in this state, in a sentence.
    """

    state: State = State.CLOSED
    gen: int = 1
    since: float = 0.0
    open_until: float = 0.0
    attempt: int = 0
    permits: Mapping[str, float] = field(default_factory=dict)
    passed: int = 0
    failed: int = 0
    reason: str = ""
    override: Override = Override.NONE
    override_until: float = 0.0

    def overridden(self, now: float) -> Override:
        """Return the override that holds now."""
        return self.override if now < self.override_until else Override.NONE

    def tries_from(self, rules: Rules) -> float:
        """Return from when on a call that does not pass may ask for a permit; infinite while none may.

        While every permit is given, it is when the first of them is lost.
        """
        if self.state is State.OPEN:
            return self.open_until
        if self.state is not State.HALF_OPEN:
            return NEVER
        is_full = len(self.permits) + self.passed + self.failed >= rules.permits
        return min(self.permits.values(), default=NEVER) if is_full else 0.0

    def share(self, rules: Rules, now: float) -> int:
        """Return how much of the traffic passes now, in percent; probes of a half-open one are asked for besides."""
        match self.overridden(now):
            case Override.FORCED_OPEN:
                return 0
            case Override.FORCED_CLOSED | Override.METRICS_ONLY:
                return 100
        if self.state is State.RECOVERING:
            return rules.share(since_s=now - self.since)
        return 100 if self.state is State.CLOSED else 0

    def refuses_until(self) -> float:
        """Return until when it lets nothing pass, as it stands; 0 when nobody knows."""
        if self.override is Override.FORCED_OPEN:
            return self.override_until
        return self.open_until if self.state is State.OPEN else 0.0

    def retry_after_s(self, now: float) -> float:
        """Return when asking again is worth it: 0 when it is now."""
        if self.overridden(now) is Override.FORCED_OPEN:
            return self.override_until - now
        return max(0.0, self.open_until - now) if self.state is State.OPEN else 0.0


def trouble(sums: Sums, rules: Rules) -> str:
    """Return why these sums open a breaker, in a sentence; "" when they do not."""
    if rules.consecutive and sums.row >= rules.consecutive and sums.row_hosts >= min(rules.quorum, sums.hosts):
        return f"{sums.row} failures in a row, of {rules.consecutive} that are borne"
    if sums.calls < rules.minimum:
        return ""
    if sums.troubled < min(rules.quorum, sums.hosts):
        return ""
    if sums.failed >= rules.failure_rate * sums.calls:
        return f"{sums.failed:,} of {sums.calls:,} calls failed, {rules.failure_rate * 100:g} % are borne"
    if sums.slow >= rules.slow_rate * sums.calls:
        slow = f"{sums.slow:,} of {sums.calls:,} calls took {rules.slow_s:g} s or longer"
        return f"{slow}, {rules.slow_rate * 100:g} % are borne"
    return ""


def counted(breaker: Breaker, sums: Sums, rules: Rules, *, now: float, random: float) -> Breaker:
    """Return the breaker after the fleet's counts were looked at: open, when they are bad enough."""
    if breaker.state not in (State.CLOSED, State.RECOVERING):
        return breaker
    why = trouble(sums, rules)
    return _opened(breaker, rules, why, now=now, random=random) if why else breaker


def permitted(breaker: Breaker, permit: str, rules: Rules, *, now: float, random: float) -> tuple[Breaker, bool]:
    """Return the breaker after somebody asked to try, and whether he may. A refusal changes and lengthens nothing."""
    breaker = expired(_lifted(breaker, now), rules, now=now, random=random)
    if breaker.override is not Override.NONE:
        return breaker, False
    if breaker.state is State.OPEN and now >= breaker.open_until:
        breaker = _moved(breaker, State.HALF_OPEN, "its time is over: some calls may try", now=now)
    if breaker.state is not State.HALF_OPEN:
        return breaker, False
    if permit in breaker.permits or len(breaker.permits) + breaker.passed + breaker.failed >= rules.permits:
        return breaker, permit in breaker.permits
    return replace(breaker, permits={**breaker.permits, permit: now + rules.permit_s}), True


def expired(breaker: Breaker, rules: Rules, *, now: float, random: float) -> Breaker:
    """Return the breaker after probes that did not come back in time counted as failed."""
    if breaker.state is not State.HALF_OPEN:
        return breaker
    lost = [permit for permit, deadline in breaker.permits.items() if deadline <= now]
    for permit in lost:
        breaker = _tallied(breaker, permit, rules, good=False, why="a probe was lost", now=now, random=random)
        if breaker.state is not State.HALF_OPEN:
            break
    return breaker


def reported(
    breaker: Breaker, permit: str, gen: int, outcome: Outcome, rules: Rules, *, now: float, random: float
) -> Breaker:
    """Return the breaker after a probe ended. One of another round, or whose time is over, changes nothing."""
    breaker = expired(_lifted(breaker, now), rules, now=now, random=random)
    if gen != breaker.gen or permit not in breaker.permits:
        return breaker
    why = "a probe was slow" if outcome is Outcome.SLOW else "a probe failed"
    return _tallied(breaker, permit, rules, good=outcome is Outcome.OK, why=why, now=now, random=random)


def handed_back(breaker: Breaker, permit: str, gen: int, rules: Rules, *, now: float, random: float) -> Breaker:
    """Return the breaker after a probe was called off and says nothing: its place is free for another one."""
    breaker = expired(_lifted(breaker, now), rules, now=now, random=random)
    if gen != breaker.gen or permit not in breaker.permits:
        return breaker
    return replace(breaker, permits={known: until for known, until in breaker.permits.items() if known != permit})


def ticked(breaker: Breaker, rules: Rules, *, now: float, random: float) -> Breaker:
    """Return the breaker after time has passed: probes are lost, a ramp comes to its end, an override is over."""
    breaker = expired(_lifted(breaker, now), rules, now=now, random=random)
    if breaker.override is not Override.NONE:
        return breaker  # what is forced says nothing of how it does
    if breaker.state is State.RECOVERING and now - breaker.since >= rules.ramp_s:
        return replace(_moved(breaker, State.CLOSED, "all of the traffic does well", now=now), attempt=0)
    return breaker


def laid_over(breaker: Breaker, override: Override, *, until: float, gen: int, now: float) -> Breaker:
    """Return the breaker with an override until a time, or without one; raises ``Superseded``.

    ``gen`` is the generation that was looked at: of two who act at once the second is told.
    """
    if gen != breaker.gen:
        raise Superseded("Somebody else has changed the breaker since you looked at it; look again.")
    if override is Override.NONE:
        return _lifted(replace(breaker, override_until=now), now) if breaker.override else breaker
    if until <= now:
        raise ValueError("an override lasts until a time that is to come")
    if breaker.state is State.HALF_OPEN:  # its probes are called off; others may try when the override is over
        breaker = replace(_moved(breaker, State.OPEN, "a person decides", now=now), open_until=now)
    return replace(breaker, override=override, override_until=until, gen=gen + 1)


def _lifted(breaker: Breaker, now: float) -> Breaker:
    """The breaker without an override whose time is over; a ramp begins anew, for meanwhile nobody watched it."""
    if breaker.override is Override.NONE or now < breaker.override_until:
        return breaker
    since = now if breaker.state is State.RECOVERING else breaker.since
    return replace(breaker, override=Override.NONE, override_until=0.0, since=since, gen=breaker.gen + 1)


def reset(breaker: Breaker, *, gen: int, now: float) -> Breaker:
    """Return the breaker closed, as if nothing had happened; raises ``Superseded``. An override stays."""
    if gen != breaker.gen:
        raise Superseded("Somebody else has changed the breaker since you looked at it; look again.")
    return replace(_moved(breaker, State.CLOSED, "reset by a person", now=now), attempt=0)


def _tallied(
    breaker: Breaker, permit: str, rules: Rules, *, good: bool, why: str, now: float, random: float
) -> Breaker:
    """A probe's end: it is open again as soon as the others cannot keep the failures below what is borne."""
    left = {known: deadline for known, deadline in breaker.permits.items() if known != permit}
    after = replace(breaker, permits=left, passed=breaker.passed + good, failed=breaker.failed + (not good))
    if after.failed >= rules.failure_rate * rules.permits:
        return _opened(after, rules, why, now=now, random=random)
    if after.passed + after.failed < rules.permits:
        return after
    return _moved(after, State.RECOVERING, f"{after.passed} of {rules.permits} probes did well", now=now)


def _opened(breaker: Breaker, rules: Rules, why: str, *, now: float, random: float) -> Breaker:
    attempt = breaker.attempt + 1
    until = now + rules.open_for_s(attempt=attempt, random=random)
    return replace(_moved(breaker, State.OPEN, why, now=now), attempt=attempt, open_until=until)


def _moved(breaker: Breaker, state: State, why: str, *, now: float) -> Breaker:
    return replace(
        breaker, state=state, gen=breaker.gen + 1, since=now, open_until=0.0, permits={}, passed=0, failed=0, reason=why
    )
