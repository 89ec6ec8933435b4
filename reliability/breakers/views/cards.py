"""One breaker as a card: its state, its figure, a line about it, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from reliability.breakers.domain import looks
from reliability.breakers.domain.machine import Override, State
from reliability.breakers.queries.wall import Look, Wall
from reliability.breakers.views import drawing, wording
from reliability.breakers.views.drawing import Disc, Strip


@dataclass(frozen=True, slots=True, kw_only=True)
class Foot:
    """A line at the foot of a card: words, and an instant that the page counts towards or from."""

    text: str
    at: datetime | None = None
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A breaker as the wall shows it; ``figure`` is the share of failed calls, ``line`` a sentence about it."""

    look: Look
    shape: str
    word: str
    figure: str
    line: str
    left: Foot
    right: Foot
    disc: Disc
    strip: Strip

    @property
    def seen(self) -> object:
        """What a reader would notice."""
        return [self.look.name, self.word, self.figure, self.line, self.left, self.right, self.strip]


def cards(wall: Wall) -> list[Card]:
    """Return the cards of a wall, what hurts most first."""
    return [card(look, wall) for look in sorted(wall.looks, key=wording.order)]


def card(look: Look, wall: Wall) -> Card:
    """Return one of them."""
    shape, word = wording.state_of(look)
    figure, line = _said(look, shape)
    return Card(
        look=look,
        shape=shape,
        word=word,
        figure=figure,
        line=line,
        left=_next(look, shape),
        right=_beside(look, wall, shape),
        disc=drawing.disc(look, shape),
        strip=drawing.strip(look),
    )


def instant(seconds: float) -> datetime:
    """Return a time of the fleet's clock, to the second: what a page counts towards."""
    return datetime.fromtimestamp(round(seconds), UTC)


def _said(look: Look, shape: str) -> tuple[str, str]:
    moment = looks.figures(look.parts, now=look.now)
    machine = look.machine
    if look.override is not Override.NONE:
        by = f"by {look.row.override_by}: “{look.row.override_reason}”" if look.row.override_by else "by a person"
        return wording.percent(moment.share), by
    match machine.state:
        case State.OPEN:
            return wording.percent(looks.before(look.parts, since=machine.since).share), machine.reason
        case State.HALF_OPEN:
            back, out = machine.passed + machine.failed, len(machine.permits)
            share = machine.failed / back if back else None
            return wording.percent(share), f"{back} of {look.rules.permits} probes back, {out} under way"
        case State.RECOVERING:
            return wording.percent(moment.share), f"{wording.rate(moment.calls_s)} of calls let through"
    if shape == "unknown":
        return "—", "nobody has called for five minutes"
    slow = f" · {wording.percent(moment.slow)} slow" if moment.slow else ""
    return wording.percent(moment.share), f"{wording.rate(moment.calls_s)} · p99 {wording.lasted(moment.p99_s)}{slow}"


def _next(look: Look, shape: str) -> Foot:
    machine = look.machine
    if look.override is not Override.NONE:
        return Foot(text="returns" if look.is_told else "not told yet; returns", at=look.override_until)
    match machine.state:
        case State.OPEN:
            again = f" · opening {machine.attempt}" if machine.attempt > 1 else ""
            if machine.open_until <= look.now:
                return Foot(text=f"the next call tries{again}")
            return Foot(text="tries", at=instant(machine.open_until), after=again)
        case State.HALF_OPEN:
            ends = min(machine.permits.values(), default=None)
            if ends is not None and ends <= look.now:
                return Foot(text="a probe is lost: the next call decides")
            return Foot(text="decides", at=instant(ends)) if ends is not None else Foot(text="the next call tries")
        case State.RECOVERING:
            following = looks.next_step(machine, look.rules, now=look.now)
            if following is not None:
                share, wait_s = following
                word = "closed" if wait_s <= 0 or machine.share(look.rules, look.now) == 100 else f"{share} %"
                return Foot(text=word, at=instant(look.now + wait_s))
    if shape == "unknown":
        return Foot(text="last call", at=look.last_call_at) if look.last_call_at else Foot(text="no call yet")
    return Foot(text="since", at=look.row.moved_at) if look.row.moved_at else Foot(text="never moved")


def _beside(look: Look, wall: Wall, shape: str) -> Foot:
    moment = looks.figures(look.parts, now=look.now)
    apart = sum(look.name in process.apart for process in wall.processes)
    if look.override is not Override.NONE:
        return Foot(text=f"by itself {wording.STATES[look.machine.state][1].lower()}")
    if look.machine.state is State.OPEN:
        return Foot(text=f"keeps back {wording.rate(moment.rejected_s)}" if moment.rejected_s else "nobody calls")
    if look.machine.state is State.HALF_OPEN:
        return Foot(text=f"{look.rules.permits} probes in all")
    if look.machine.state is State.RECOVERING:
        return Foot(text="opened", at=_opened(look)) if _opened(look) else Foot(text=f"{look.rules.ramp_s:g} s of ramp")
    if apart:
        return Foot(text=f"{apart} process{'' if apart == 1 else 'es'} apart")
    return Foot(text=f"threshold {look.rules.failure_rate * 100:g} %")


def _opened(look: Look) -> datetime | None:
    return next((row.at for row in look.moves if row.after == State.OPEN and row.before != State.OPEN), None)
