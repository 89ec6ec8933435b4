"""How pages call what a breaker is in, and which comes first."""

from __future__ import annotations

from typing import Final

from reliability.breakers.domain import looks
from reliability.breakers.domain.machine import Override, State
from reliability.breakers.queries.wall import Look
from reliability.console.domain.values import Status
from reliability.console.domain.wording import span

STATES: Final[dict[State, tuple[Status, str]]] = {
    State.OPEN: ("crit", "Open"),
    State.HALF_OPEN: ("warn", "Half-open"),
    State.RECOVERING: ("prog", "Recovering"),
    State.CLOSED: ("ok", "Closed"),
}
OVERRIDES: Final[dict[Override, tuple[str, str, str]]] = {
    Override.FORCED_OPEN: ("Forced open", "Force open", "No call is made, whatever happens."),
    Override.FORCED_CLOSED: ("Forced closed", "Force closed", "Every call is made, whatever happens."),
    Override.METRICS_ONLY: ("Watched only", "Only watch", "Every call is made and counted; nothing opens by itself."),
}
"""How a breaker is called under it, how the act is, and what it does."""
APART: Final = {
    "isolated": "its host is in trouble and others are not",
    "alone": "it does not hear the store",
}
_RANKS: Final = {State.OPEN: 0, State.HALF_OPEN: 1, State.RECOVERING: 2, State.CLOSED: 4}
_OVERRIDDEN: Final = 3
_SILENT: Final = 5
_NO_MEANING: Final = ("unknown", "No calls")


def state_of(look: Look) -> tuple[str, str]:
    """Return shape and word of a breaker as it stands."""
    if look.override is not Override.NONE:
        return "paused", OVERRIDES[look.override][0]
    if is_silent(look) and (look.machine.state is State.CLOSED or not look.is_named):
        return _NO_MEANING
    shape, word = STATES[look.machine.state]
    if look.machine.state is State.RECOVERING:
        word = f"{word} {look.machine.share(look.rules, look.now)} %"
    return shape, word


def is_silent(look: Look) -> bool:
    """Whether nobody has called for as long as the strip shows."""
    return not any(part is not None and (part.calls or part.rejected) for part in look.parts)


def order(look: Look) -> tuple[int, float, str]:
    """Return its place: what hurts most comes first, then what is used most."""
    calls = looks.figures(look.parts, now=look.now)
    if look.override is not Override.NONE:
        rank = _OVERRIDDEN
    elif is_silent(look) and (look.machine.state is State.CLOSED or not look.is_named):
        rank = _SILENT
    else:
        rank = _RANKS[look.machine.state]
    return rank, -(calls.calls_s + calls.rejected_s), look.name


def percent(share: float | None) -> str:
    """Return a share of one in percent; a dash without calls."""
    if share is None:
        return "—"
    return "<1 %" if 0 < share < 0.01 else f"{share * 100:.0f} %"


def rate(per_s: float) -> str:
    """Return calls per second in a short form."""
    if per_s and per_s < 1:
        return f"{per_s * 60:.0f}/min" if per_s * 60 >= 1 else "<1/min"
    return f"{per_s:,.0f}/s"


def lasted(seconds: float | None) -> str:
    """Return a latency in a short form."""
    if seconds is None:
        return "—"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 and seconds < 1 else "<1 ms" if seconds < 1 else span(seconds)
