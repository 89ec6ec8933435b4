"""An act in bulk: a list that was frozen and looked at, then worked off item by item.

planned --start--> running
running --finish--> done
running --cancel--> cancelled
running --stop--> stopped

The lines above are the transition table; a test compares them with it. An item leaves ``planned`` once, for good.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from reliability.kernel.errors import Refused

ITEMS_MAX = 1_000
"""Of one batch. Each item is read whole for the plan, while somebody waits for it, and becomes an entry of its own in
the audit; and nobody looks through a longer list before pressing the button."""

NAMED_MAX = 20
"""Of the different reasons, effects and warnings that a plan names; what is behind them is counted together."""

EXAMPLES_MAX = 3
OTHERS = "other reasons"


class State(StrEnum):
    """How a batch stands."""

    PLANNED = "planned"
    RUNNING = "running"
    DONE = "done"  # every item had its turn
    CANCELLED = "cancelled"  # by a person, before every item had its turn
    STOPPED = "stopped"  # by itself: whoever began it has not the right any more


class Move(StrEnum):
    """What can happen to a batch."""

    START = "start"
    FINISH = "finish"
    CANCEL = "cancel"
    STOP = "stop"


class ItemState(StrEnum):
    """How an item stands."""

    PLANNED = "planned"
    DONE = "done"
    REFUSED = "refused"  # what it is about has changed, or the act is not possible any more
    FAILED = "failed"  # an error that nobody expected
    CANCELLED = "cancelled"


class CannotNow(Refused):
    """The batch is not in a state in which this can be done."""

    code = "batch-state"


TRANSITIONS: dict[tuple[State, Move], State] = {
    (State.PLANNED, Move.START): State.RUNNING,
    (State.RUNNING, Move.FINISH): State.DONE,
    (State.RUNNING, Move.CANCEL): State.CANCELLED,
    (State.RUNNING, Move.STOP): State.STOPPED,
}
OVER = frozenset({State.DONE, State.CANCELLED, State.STOPPED})
_SAID = {
    State.PLANNED: "has not begun",
    State.RUNNING: "has begun already",
    State.DONE: "is done",
    State.CANCELLED: "was cancelled",
    State.STOPPED: "stopped by itself",
}


def moved(state: State, move: Move) -> State:
    """Return the state after ``move``; raises ``CannotNow``."""
    after = TRANSITIONS.get((state, move))
    if after is None:
        raise CannotNow(f"It {_SAID[state]}.")
    return after


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One thing to act on. ``version``: how it was looked at, and has to be still when its turn comes.

    ``follows``: what the act leads to, in words; ``effects`` and ``warnings`` likewise, one sentence or name each.
    ``details`` are given back to the kind when its turn comes: plain values, covered by the hash.
    """

    target: str
    label: str
    version: int
    follows: str
    effects: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """One thing that was asked for, and on which the act is not possible now."""

    target: str
    label: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What a kind of batch found: what would be acted on, in order, and what would not.

    ``title`` names the act, for people and for the audit; ``what`` and ``filter`` are kept as they stand here.
    """

    title: str
    what: Mapping[str, Any]
    filter: Mapping[str, Any]
    items: Sequence[Planned]
    left_out: Sequence[LeftOut] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many items there are of each state."""

    of: Mapping[ItemState, int] = field(default_factory=dict)

    def number(self, state: ItemState) -> int:
        """Those of one state."""
        return self.of.get(state, 0)

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.of.values())

    @property
    def left(self) -> int:
        """Those that did not have their turn yet."""
        return self.number(ItemState.PLANNED)

    @property
    def trouble(self) -> int:
        """Those that had their turn, and nothing was done."""
        return self.number(ItemState.REFUSED) + self.number(ItemState.FAILED)

    def as_json(self) -> dict[str, int]:
        """Every state by its name."""
        return {str(state): self.number(state) for state in ItemState}


def content_hash(kind: str, what: Mapping[str, Any], items: Iterable[Planned]) -> str:
    """Return the hash of everything that decides what is done: who starts a batch says with it what was looked at."""
    content = [kind, what, [(each.target, each.version, dict(each.details)) for each in items]]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def counted(said: Iterable[str]) -> list[dict[str, Any]]:
    """Return each sentence once with how often it was said, the most frequent first; ``NAMED_MAX`` of them."""
    found = Counter(said).most_common()
    named = [{"text": text, "count": count} for text, count in found[:NAMED_MAX]]
    rest = sum(count for _, count in found[NAMED_MAX:])
    return [*named, {"text": OTHERS, "count": rest}] if rest else named


def grouped(left_out: Iterable[LeftOut]) -> list[dict[str, Any]]:
    """Return why something was left out, with how many and some of them by name; the most frequent first."""
    known = list(left_out)
    groups = counted(each.why for each in known)
    for group in groups:
        of_it = [each for each in known if each.why == group["text"]][:EXAMPLES_MAX]
        group["examples"] = [{"target": each.target, "label": each.label} for each in of_it]
    return groups


def outcome(state: State, counts: Counts) -> str:
    """Say how a batch stands or ended, in a sentence that claims no more than its items do."""
    if state is State.PLANNED:
        return "Nothing is done yet."
    parts = [f"{counts.number(ItemState.DONE):,} of {counts.total:,} done"]
    for each, word in ((ItemState.REFUSED, "refused"), (ItemState.FAILED, "failed"), (ItemState.CANCELLED, "left")):
        if number := counts.number(each):
            parts.append(f"{number:,} {word}")
    if state is State.RUNNING:
        parts.append(f"{counts.left:,} to go")
    return ", ".join(parts) + "."
