"""How many members a group needs: inflow against what one member was measured to do."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from reliability.console.domain import wording

DRAIN_S = 3_600.0
"""The time in which the advice has a lag drained."""

_FUZZ = 1e-9  # a quotient that is whole but for the last bit of a float


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Members needed, and a plain sentence about it."""

    keep_up: int | None
    """Members needed so that the lag does not grow; None when it cannot be told. May be more than ``ceiling``."""
    drain: int | None
    """Members needed to be done with the lag in an hour."""
    ceiling: int
    """More members than there are partitions get nothing to do."""
    text: str


def per_member(*, consumed_per_s: float | None, working: int) -> float | None:
    """Return records a second per member that owns something; None when nothing was consumed, so nothing measured."""
    if not consumed_per_s or consumed_per_s <= 0 or working <= 0:
        return None
    return consumed_per_s / working


def advise(
    *, inflow_per_s: float | None, per_member_per_s: float | None, lag: int | None, partitions: int, members: int
) -> Advice:
    """Advise on the size of a group.

    Rates are records a second. ``members``: how many are in the group, idle ones too. Without a lag the measured rate
    is the inflow, not what a member can do: then all that can be said is that they are enough.
    """
    if not partitions:
        return Advice(keep_up=None, drain=None, ceiling=0, text="It reads no partitions.")
    if lag is None or inflow_per_s is None:
        return _unknown(partitions, "What waits or comes in is not known.")
    if lag <= 0:
        working = min(members, partitions)
        return Advice(keep_up=working, drain=working, ceiling=partitions, text=_enough(members, partitions))
    if not per_member_per_s or per_member_per_s <= 0:
        return _unknown(partitions, "Nothing was read in this time, so what a member can do is not known.")
    keep_up = max(1, ceil(inflow_per_s / per_member_per_s - _FUZZ))
    drain = max(1, ceil((inflow_per_s + lag / DRAIN_S) / per_member_per_s - _FUZZ))
    text = f"{_needs(keep_up, drain)}{_limit(keep_up, drain, partitions, members)}"
    return Advice(keep_up=keep_up, drain=drain, ceiling=partitions, text=f"{text} {_measured(per_member_per_s)}")


def _unknown(partitions: int, text: str) -> Advice:
    return Advice(keep_up=None, drain=None, ceiling=partitions, text=text)


def _enough(members: int, partitions: int) -> str:
    if not members:
        return "Nobody reads it, and nothing waits."
    if members > partitions:
        return f"{_members(partitions)} keep up; the other {members - partitions} have no partition to read."
    return f"{_members(members)} {'keeps' if members == 1 else 'keep'} up; what they could do at most is not seen."


def _needs(keep_up: int, drain: int) -> str:
    if keep_up == drain:
        return f"{_members(keep_up)} can keep up and drain the lag in an hour."
    return f"It takes {_members(keep_up)} to keep up and {drain} to drain the lag in an hour."


def _limit(keep_up: int, drain: int, partitions: int, members: int) -> str:
    if keep_up > partitions:
        return f" {_partitions(partitions)} let {partitions} work at most: make reading faster, or add partitions."
    if drain > partitions:
        return f" {_partitions(partitions)} let {partitions} work at most, so draining takes longer."
    if members > partitions:
        return f" There are {members} for {_partitions(partitions)}: {members - partitions} have nothing to do."
    return ""


def _measured(per_member_per_s: float) -> str:
    return f"One reads {wording.number(round(per_member_per_s, 1))} records a second."


def _members(count: int) -> str:
    return "1 member" if count == 1 else f"{count:,} members"


def _partitions(count: int) -> str:
    return "1 partition" if count == 1 else f"{count:,} partitions"
