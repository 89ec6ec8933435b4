"""A breaker as it is drawn: a disc whose area is traffic, a ring that is its state, a strip of the last minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reliability.breakers.domain import looks
from reliability.breakers.domain.machine import Override, State
from reliability.breakers.queries.wall import PARTS, Look

WIDTH: Final = 270
HEIGHT: Final = 34
BAR: Final = WIDTH / PARTS
GAP: Final = 4.0
"""Percent of the ring between two segments."""
OPEN_ARC: Final = 78
LOCKED_FROM: Final = 16.0
"""A lock has room in a circle of this radius."""
LEAST: Final = 1.2
"""The height of a bar of calls of which none failed: that they were made is seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arc:
    """A part of a ring, in percent of its circumference from the top on; ``kind`` names its colour."""

    kind: str
    length: float
    offset: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Disc:
    """A circle with its ring; ``is_locked``: a person holds it."""

    radius: float
    arcs: Sequence[Arc]
    is_locked: bool
    is_dotted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Ten seconds: how much of the calls failed; ``bad``: as much as opens it."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The last five minutes: bars, the threshold as a line, a notch for each transition."""

    bars: Sequence[Bar]
    threshold_y: float
    notches: Sequence[tuple[float, str]]
    told: str


def disc(look: Look, shape: str) -> Disc:
    """Return the disc of a breaker whose state has this shape."""
    moment = looks.figures(look.parts, now=look.now)
    calls_s = moment.calls_s
    if look.machine.state is State.OPEN and look.override is Override.NONE:
        calls_s = max(calls_s, looks.before(look.parts, since=look.machine.since).calls_s)
    held = look.override is not Override.NONE
    radius = looks.radius(calls_s)
    return Disc(
        radius=radius,
        arcs=_arcs(look, shape),
        is_locked=held and radius >= LOCKED_FROM,
        is_dotted=shape == "unknown" and not held,
    )


def _arcs(look: Look, shape: str) -> list[Arc]:
    if look.override is not Override.NONE or look.machine.state is State.CLOSED:
        return [Arc(kind=shape, length=100, offset=0)]
    if look.machine.state is State.OPEN:
        return [Arc(kind=shape, length=OPEN_ARC, offset=(100 - OPEN_ARC) / 2)]
    if look.machine.state is State.RECOVERING:
        return [Arc(kind=shape, length=look.machine.share(look.rules, look.now), offset=0)]
    kinds = looks.probes(look.machine, look.rules)
    each = 100 / len(kinds)
    gap = min(GAP, each / 3) if len(kinds) > 1 else 0
    return [Arc(kind=kind, length=each - gap, offset=at * each + gap / 2) for at, kind in enumerate(kinds)]


def strip(look: Look) -> Strip:
    """Return the strip of a breaker."""
    start = int(look.now) // looks.PART_S * looks.PART_S - (PARTS - 1) * looks.PART_S
    notches = [
        (round((row.at.timestamp() - start) / looks.PART_S * BAR, 1), row.after)
        for row in look.moves
        if row.at.timestamp() >= start
    ]
    limit = min(look.rules.failure_rate, 1.0)
    shares = [part.share for part in look.parts if part is not None and part.calls]
    told = f"Share of failed calls in the last 5 minutes: at most {max(shares) * 100:.0f} %" if shares else "No calls"
    return Strip(
        bars=[bar for at, part in enumerate(look.parts) if (bar := _bar(at, part, limit)) is not None],
        threshold_y=round(HEIGHT - limit * (HEIGHT - 2), 1),
        notches=notches,
        told=told,
    )


def _bar(at: int, part: looks.Part | None, limit: float) -> Bar | None:
    if part is None or not (part.calls or part.rejected):
        return None
    height = max(LEAST, part.share * (HEIGHT - 2))
    kind = "bad" if part.calls and part.share >= limit else "kept" if not part.calls else "some"
    told = f"{part.failed:,} of {part.calls:,} failed" + (f", {part.rejected:,} not made" if part.rejected else "")
    return Bar(
        x=round(at * BAR + 1, 1),
        y=round(HEIGHT - height, 1),
        width=round(BAR - 2, 1),
        height=round(height, 1),
        kind=kind,
        told=told,
    )
