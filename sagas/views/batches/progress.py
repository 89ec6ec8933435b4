"""How far a batch is, as figures and a bar: values for the pages, each the number of items of a state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sagas.domain import batching
from sagas.domain.batching import Counts, ItemState, State

STATES: Final[dict[State, tuple[str, str]]] = {
    State.PLANNED: ("paused", "Plan: nothing is done"),
    State.RUNNING: ("prog", "Running"),
    State.DONE: ("ok", "Done"),
    State.CANCELLED: ("paused", "Cancelled"),
    State.STOPPED: ("crit", "Stopped by itself"),
}
ITEMS: Final[dict[ItemState, tuple[str, str]]] = {
    ItemState.PLANNED: ("unknown", "To do"),
    ItemState.DONE: ("ok", "Done"),
    ItemState.REFUSED: ("warn", "Refused"),
    ItemState.FAILED: ("crit", "Failed"),
    ItemState.CANCELLED: ("paused", "Left"),
}
"""Shape and word of each. *Done*: the act is on record in the saga, which goes on from there."""

_FIGURES: Final = (
    ("ok", ItemState.DONE, "done, on record"),
    ("warn", ItemState.REFUSED, "refused"),
    ("crit", ItemState.FAILED, "failed"),
    ("paused", ItemState.CANCELLED, "left alone"),
    ("", ItemState.PLANNED, "to do"),
)
_THINNEST: Final = 0.4  # percent of the bar: what there is can be seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number; ``state`` leads to its items."""

    kind: str
    value: int
    text: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of the bar, in percent of its width."""

    kind: str
    x: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A batch as pages show it."""

    kind: str
    word: str
    line: str
    figures: list[Figure]
    segments: list[Segment]
    total: int
    counts: Counts


def shown(state: State, counts: Counts) -> Shown:
    """Return what is said of a batch that stands so. One that is done is not green when something was not."""
    kind, word = STATES[state]
    if state is State.DONE and counts.trouble:
        kind, word = "warn", f"{word}, {counts.trouble:,} not"
    return Shown(
        kind=kind,
        word=word,
        line=batching.outcome(state, counts),
        figures=[
            Figure(kind=kind, value=counts.number(each), text=text, state=str(each)) for kind, each, text in _FIGURES
        ],
        segments=_segments(counts),
        total=counts.total,
        counts=counts,
    )


def _segments(counts: Counts) -> list[Segment]:
    segments, x = [], 0.0
    for kind, state, _ in _FIGURES:
        if kind and (number := counts.number(state)):
            width = max(_THINNEST, 100 * number / counts.total)
            segments.append(Segment(kind=kind, x=round(x, 3), width=round(width, 3)))
            x += width
    return segments
