"""What other rules would have made of the traffic that is on record: an estimate, at ten seconds a step."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from reliability.breakers.domain import machine
from reliability.breakers.domain.looks import PART_S, Part
from reliability.breakers.domain.machine import Breaker, State, Sums
from reliability.breakers.domain.rules import Rules

ROUNDS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Once that it would have opened: when, for how many seconds until traffic came back, and why.

    ``kept_back``: calls on record within that time, which would not have been made.
    """

    at: int
    lasted_s: int
    why: str
    kept_back: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What some rules would have made of it. ``calls`` were looked at; ``blind_s``: seconds of the time in which calls
    were kept back in truth, so that nobody knows how they would have ended."""

    openings: tuple[Opening, ...]
    calls: int
    blind_s: int

    @property
    def open_s(self) -> int:
        """For how long it would have been open, together."""
        return sum(opening.lasted_s for opening in self.openings)

    @property
    def kept_back(self) -> int:
        """Calls that would not have been made."""
        return sum(opening.kept_back for opening in self.openings)


def dry_run(parts: Sequence[Part], rules: Rules) -> Outcome:
    """Return what a breaker with these rules would have done with this traffic, oldest part first.

    Every call counts as if it came from enough hosts, a wait is what it is without jitter, and probes do well where the
    part in which they fall did. Traffic within an opening is that which was there in truth.
    """
    rules = replace(rules, quorum=1, jitter=0.0)
    breaker, window, openings = Breaker(), _Window(rules), list[Opening]()
    opened: Part | None = None
    kept_back = 0
    for part in parts[:ROUNDS_MAX]:
        before = breaker
        breaker = _after(breaker, part, window, rules)
        if breaker.state is State.OPEN and before.state in (State.CLOSED, State.RECOVERING) and opened is None:
            opened, kept_back = part, 0
        elif opened is not None and breaker.state is State.CLOSED:
            openings.append(_opening(opened, part, breaker, kept_back))
            opened = None
        elif opened is not None:
            kept_back += round(part.calls * (100 - before.share(rules, part.at)) / 100)
        if breaker.state is not before.state:
            window.clear()
    if opened is not None:
        openings.append(_opening(opened, parts[-1], breaker, kept_back))
    return Outcome(
        openings=tuple(openings),
        calls=sum(part.calls for part in parts),
        blind_s=sum(PART_S for part in parts if part.rejected),
    )


def _opening(opened: Part, ended: Part, breaker: Breaker, kept_back: int) -> Opening:
    return Opening(at=opened.at, lasted_s=ended.at - opened.at, why=_why(opened), kept_back=kept_back)


def _why(part: Part) -> str:
    slow = f", {part.slow:,} were slow" if part.slow else ""
    return f"{part.failed:,} of {part.calls:,} calls failed{slow}"


def _after(breaker: Breaker, part: Part, window: _Window, rules: Rules) -> Breaker:
    """The breaker at the end of a part."""
    now = float(part.at + PART_S)
    if breaker.state in (State.CLOSED, State.RECOVERING):
        window.add(part)
        breaker = machine.counted(breaker, window.sums(), rules, now=now, random=0.5)
        return machine.ticked(breaker, rules, now=now, random=0.5)
    return _tried(breaker, part, rules, now=now)


def _tried(breaker: Breaker, part: Part, rules: Rules, *, now: float) -> Breaker:
    """An open one whose time is over tries as many of the part's calls as it has permits; they end as the part did."""
    if now < breaker.open_until or not part.calls:
        return breaker
    is_well = part.share < rules.failure_rate and part.slow < rules.slow_rate * part.calls
    outcome = machine.Outcome.OK if is_well else machine.Outcome.ERROR
    for number in range(min(rules.permits, part.calls)):
        breaker, given = machine.permitted(breaker, str(number), rules, now=now, random=0.5)
        if given:
            breaker = machine.reported(breaker, str(number), breaker.gen, outcome, rules, now=now, random=0.5)
    return breaker


class _Window:
    """The parts within the rules' window."""

    def __init__(self, rules: Rules) -> None:
        self._parts: deque[Part] = deque(maxlen=max(1, round(rules.window_s / PART_S)))
        self._row = 0

    def clear(self) -> None:
        self._parts.clear()
        self._row = 0

    def add(self, part: Part) -> None:
        self._parts.append(part)
        self._row = self._row + part.failed if part.calls == part.failed else 0

    def sums(self) -> Sums:
        calls, failed = sum(part.calls for part in self._parts), sum(part.failed for part in self._parts)
        return Sums(
            calls=calls,
            failed=failed,
            slow=sum(part.slow for part in self._parts),
            row=self._row,
            row_hosts=1,
            hosts=1,
            troubled=1,
        )
