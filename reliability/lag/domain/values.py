"""The words of lag: what was seen of a partition, and what is concluded from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

WINDOW = 10
"""Samples a verdict is made from, as in Burrow."""


class Word(StrEnum):
    """What is concluded about a partition, or about a whole group."""

    OK = "OK"
    WARN = "WARN"  # it falls behind without a pause, or waits while its member works off others
    STALL = "STALL"  # somebody owns it and does not get on
    STOP = "STOP"  # nobody reads it, and something waits
    REWIND = "REWIND"  # its commit went back
    AHEAD = "AHEAD"  # its commit is beyond the end of the log: the topic was recreated or truncated
    TRUNCATED = "TRUNCATED"  # its commit is before the start of the log: records were deleted unread
    BLOCKED = "BLOCKED"  # a transaction that does not end holds back the stable end
    EMPTY = "EMPTY"  # no members, and nothing waits
    DEAD = "DEAD"  # the group is gone
    UNKNOWN = "UNKNOWN"  # cannot be told; never shown as zero


class Sample(NamedTuple):
    """One look at a partition. A named tuple, because a large cluster has ten of them for each of 50,000 partitions."""

    at_s: float
    """Unix seconds."""
    committed: int
    end: int
    """The end that a reader of committed records can reach."""

    @property
    def lag(self) -> int:
        return self.end - self.committed


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the last poll told about a partition of a group. None: not told; ``problem`` says why in words."""

    committed: int | None
    start: int | None
    end: int | None
    stable: int | None
    owned: bool | None
    """Whether a member owns it; None when the members are not known."""
    problem: str = ""
    waits_s: float = 0.0
    """For how long something has been waiting since its commit moved last."""
    pace_s: float = 0.0
    """The longest that was between two moves of its commit, of late; 0 where it is not known."""
    stride: int = 0
    """The most records that one move of its commit took, of late."""
    tried_s: float = math.inf
    """For how long owners could have moved its commit since then; infinite where that is not known."""
    gaps: int = 0
    """Looks within the window at which the partition could not be told."""
    only_markers: bool = False
    """All that is between commit and end are markers of transactions: nothing waits there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A conclusion and its one-sentence reason, in words for an operator."""

    word: Word
    reason: str
    lag: int | None
    """Records that wait; None when it is not known."""
    lost: int = 0
    """Records deleted before they were read."""
