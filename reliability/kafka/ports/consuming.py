"""What the consume loop asks of those who assemble it: work, gate, admission and sink."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from reliability.kafka.failure import Failure
from reliability.kafka.incoming import Incoming
from reliability.kernel.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What became of a batch: the first `done` records are finished, the next one waits `wait_s` seconds."""

    done: int
    wait_s: float = 0.0
    reason: str = ""
    """Why it waits, in a few words, for the heartbeat."""


Work = Callable[[Sequence[Record]], Progress]
"""Does something with records of one partition, in order. An exception means: nothing is done, try again later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What a gate says: the share of the time that may be spent on work (0 = none), and when to ask again.

    `records`: so many may be handed over at once. `reason`: what holds the work back, as a noun with what is to be
    said of it.
    """

    share: float
    again_s: float = 1.0
    records: int = sys.maxsize
    reason: str = ""


class Gate(Protocol):
    """Whether work may go on: an open breaker says no, one that recovers lets a share through.

    While it says no, partitions are paused: nothing of them is read, and nothing is handed over.
    """

    def passage(self) -> Passage:
        """Asked before each piece of work, and while there is none; answers from memory, at once."""


class AlwaysOpen:
    """The gate of a consumer that depends on nothing."""

    def passage(self) -> Passage:
        return _OPEN


_OPEN = Passage(share=1.0)
ALWAYS_OPEN: Gate = AlwaysOpen()

Verdict = Literal["done", "retrying", "gave_up"]


class Admission(Protocol):
    """Who may be handled, once: the inbox. All but `unit` and the notes of starts happen inside a unit."""

    def unit(self) -> AbstractContextManager[None]:
        """One transaction: an exception out of it undoes all that was done in it, the handler's work too."""

    def admit(self, batch: Sequence[Incoming]) -> list[bool]:
        """Note each as done, or say False: it was done before, or given up at this attempt or a later one."""

    def settle(self, incoming: Incoming, verdict: Verdict) -> None:
        """Change what `admit` noted, for one that was not done after all."""

    def begin(self, incoming: Incoming) -> int:
        """Note, durably and at once, that work on this record starts; return how many starts of it never
        ended, this one included (1 = all is well)."""

    def end(self, incoming: Incoming) -> None:
        """The work noted by `begin` ended without success, and this process lives."""

    def is_away(self, error: Exception) -> bool:
        """Whether the error says that the store itself is away: then the record is not to blame."""


class Sink(Protocol):
    """Where records go that could not be handled; called inside a unit, and sent only if it commits.

    `tries`: how often this delivery of the record was tried, in place; `incoming.attempt` counts the first of them.
    """

    def retry(self, incoming: Incoming, *, delay_s: int, failure: Failure, tries: int) -> bool:
        """Send it to the retry topic of that delay, as its next attempt. False: it cannot be sent there (too large
        with its new headers, for example), and nothing was."""

    def dead_letter(self, incoming: Incoming, *, failure: Failure, tries: int) -> None:
        """Send it to its dead-letter topic."""
