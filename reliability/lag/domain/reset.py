"""Where a group shall go on reading: a plan that is looked at before anything is done, and what forbids it.

The rules are those of Kafka's own command (kafka-consumer-groups --reset-offsets): a wish beyond the log is drawn to
its start or end, a time without a later record is the end. Unlike in others' consoles, every such change of a wish is
noted, and what is applied is what was looked at.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from reliability.kernel.errors import Refused
from reliability.kernel.record import TopicPartition

_EMPTY_STATE = "empty"
_NO_STATES = frozenset({"", "unknown"})
NAMES_MAX = 3
LEFT = "left as it is"


class How(StrEnum):
    """What a target is told by."""

    EARLIEST = "earliest"
    LATEST = "latest"
    TIME = "time"
    OFFSET = "offset"
    SHIFT = "shift"
    FILE = "file"


class BadTarget(Refused):
    """This says not where to go on."""

    code = "bad-target"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to go on. Raises ``BadTarget`` when what its kind needs is missing or out of range."""

    how: How
    time_ms: int | None = None
    """TIME: from the first record not before it, in Unix milliseconds."""
    offset: int | None = None
    """OFFSET: the same for every partition."""
    shift: int | None = None
    """SHIFT: so many records forward, or back when negative."""
    offsets: Mapping[TopicPartition, int] = field(default_factory=dict)
    """FILE: only the partitions that it names."""

    def __post_init__(self) -> None:
        if self.how is How.TIME and (self.time_ms is None or self.time_ms < 0):
            raise BadTarget("Say from which time on.")
        if self.how is How.OFFSET and (self.offset is None or self.offset < 0):
            raise BadTarget("Say which offset; it is not below 0.")
        if self.how is How.SHIFT and not self.shift:
            raise BadTarget("Say by how many records to shift, forward or (negative) back.")
        if self.how is How.FILE and not self.offsets:
            raise BadTarget("The file names no partition.")


class Position(NamedTuple):
    """What is known of a partition when a plan is made. None: no commit, or not known."""

    place: TopicPartition
    committed: int | None
    start: int | None
    end: int | None
    """The end for readers of committed records: beyond it a transaction may still be open, which nobody may skip."""
    at_time: int | None = None
    """The first record not before the target's time; None when there is none."""
    problem: str = ""


class Row(NamedTuple):
    """What a plan does to one partition."""

    topic: str
    partition: int
    before: int | None
    after: int | None
    """None: it is left as it is; ``note`` says why."""
    start: int | None
    end: int | None
    replayed: int
    """Records that were read and will be read again."""
    skipped: int
    """Records that were not read and never will be."""
    note: str

    @property
    def place(self) -> TopicPartition:
        return TopicPartition(self.topic, self.partition)

    @property
    def changes(self) -> bool:
        return self.after is not None and self.after != self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPlan:
    """What will be done, row by row. Two plans with equal hashes do the same to the same."""

    rows: tuple[Row, ...]
    hash: str
    """SHA-256 over every partition's commit before and after; ends move on, and are no part of it."""

    @property
    def changed(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.changes)

    @property
    def replayed(self) -> int:
        return sum(row.replayed for row in self.rows)

    @property
    def skipped(self) -> int:
        return sum(row.skipped for row in self.rows)


class Undo(NamedTuple):
    """What takes a reset back."""

    offsets: Mapping[TopicPartition, int]
    """Commits to set again."""
    forget: tuple[TopicPartition, ...]
    """Commits to delete: there were none before."""


def plan(target: Target, positions: Iterable[Position]) -> ResetPlan:
    """Plan a reset of these partitions; a file's target leaves out those it does not name."""
    known = {position.place: position for position in positions}
    if target.how is How.FILE:
        missing = "there is no such partition"
        known = {
            place: known.get(place) or Position(place, None, None, None, problem=missing) for place in target.offsets
        }
    rows = tuple(_row(target, known[place]) for place in sorted(known))
    return ResetPlan(rows=rows, hash=hash_of(rows))


def hash_of(rows: Iterable[Row]) -> str:
    """Return the hash of rows as stored, in any order: equal to their plan's hash, or they were changed."""
    facts = [[row.topic, row.partition, row.before, row.after] for row in sorted(rows, key=lambda row: row.place)]
    return hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode("ascii")).hexdigest()


def drifted(
    rows: Iterable[Row], committed: Mapping[TopicPartition, int], *, forget: Collection[TopicPartition] = ()
) -> tuple[Row, ...]:
    """Return rows that change or delete a commit which is no longer what it was when the plan was made."""
    touched = (row for row in rows if row.changes or row.place in forget)
    return tuple(row for row in touched if committed.get(row.place) != row.before)


def forgetting(places: Iterable[TopicPartition], committed: Mapping[TopicPartition, int]) -> Iterator[Row]:
    """Return the rows of commits that an undo deletes."""
    for place in places:
        before = committed.get(place)
        note = "there was no commit before: it is deleted" if before is not None else "it has no commit any more"
        yield Row(*place, before, None, None, None, 0, 0, note)


def nothing_in_words(rows: Iterable[Row]) -> str:
    """Say why a plan changes nothing."""
    rows = list(rows)
    left = [row for row in rows if row.note.startswith(LEFT)]
    if not rows:
        return "It has no commit in these topics: a file can name where it begins."
    if not left:
        return "Every partition is already there: nothing would change."
    first = left[0]
    return f"Nothing would change: {first.topic} {first.partition} is {first.note}" + (
        f" (and {len(left) - 1:,} more)." if len(left) > 1 else "."
    )


def undo(rows: Iterable[Row]) -> Undo:
    """Return what takes the reset of these rows back."""
    changed = [row for row in rows if row.changes]
    return Undo(
        {row.place: row.before for row in changed if row.before is not None},
        tuple(row.place for row in changed if row.before is None),
    )


def guards(
    *, state: str, members: int, moving: Collection[TopicPartition] = (), problems: Sequence[str] = ()
) -> list[str]:
    """Return what forbids a reset, each with what to do about it; nothing when it may be done.

    ``state`` is the group's, in lower case. ``moving``: partitions whose commit changed since the last looks, though no
    member may be there. ``problems``: what could not be read.
    """
    found = []
    if members:
        who = "1 member is" if members == 1 else f"{members} members are"
        found.append(
            f"{who} in the group: stop its consumers and wait until it is empty (members that are killed, and static "
            "ones, stay until their session times out), then preview again."
        )
    elif state in _NO_STATES:
        found.append("Whether it has members is not known: see that the console may describe it, then preview again.")
    elif state != _EMPTY_STATE:
        found.append(f"The group is {state.replace('_', ' ')}, not empty: {_advice(state)}")
    if moving:
        found.append(
            f"Commits still move ({_names(moving)}): somebody reads with assigned partitions or writes commits by "
            "hand, and would undo the reset. Stop that first, then preview again."
        )
    found += [f"{problem.rstrip('.')}: mend this first, then preview again." for problem in problems]
    return found


def _advice(state: str) -> str:
    if state == "dead":
        return "there are no commits to reset; start its consumers once, then stop them."
    return "wait until its rebalance is over, stop its consumers, then preview again."


def _row(target: Target, position: Position) -> Row:
    place, before, start, end, _, problem = position
    wanted, note = _wanted(target, position)
    if problem or start is None or end is None or wanted is None:
        note = problem or note or "where its log begins and ends is not known"
        return Row(*place, before, None, start, end, 0, 0, f"{LEFT}: {note}")
    after = min(max(wanted, start), end)
    notes = [note] if note else []
    if after != wanted:
        notes.append(f"asked for {wanted:,}, the log {'begins' if wanted < start else 'ends'} at {after:,}")
    if before is None:
        notes.append("no commit before: what was read is not known")
        return Row(*place, before, after, start, end, 0, 0, "; ".join(notes))
    if after == before:
        notes.append("already there")
    # What is deleted already is neither read again nor skipped by this; nor is what a commit ahead of the log passes.
    replayed, skipped = max(0, min(before, end) - after), max(0, after - max(before, start))
    return Row(*place, before, after, start, end, replayed, skipped, "; ".join(notes))


def _wanted(target: Target, position: Position) -> tuple[int | None, str]:
    """The offset that is asked for, before it is drawn to the log, and what is to be said about it."""
    match target.how:
        case How.EARLIEST:
            return position.start, ""
        case How.LATEST:
            return position.end, ""
        case How.TIME:
            if position.at_time is None:
                return position.end, "no record since then: the end"
            return position.at_time, ""
        case How.OFFSET:
            return target.offset, ""
        case How.FILE:
            return target.offsets[position.place], ""
        case How.SHIFT:
            if position.committed is None:
                return None, "no commit to shift from"
            return position.committed + (target.shift or 0), ""


def _names(places: Collection[TopicPartition]) -> str:
    names = [f"{topic} {partition}" for topic, partition in sorted(places)[:NAMES_MAX]]
    more = f" and {len(places) - NAMES_MAX} more" if len(places) > NAMES_MAX else ""
    return ", ".join(names) + more
