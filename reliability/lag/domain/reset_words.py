"""A reset in words, and the same as a command and as a request to the API."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from reliability.kernel.record import TopicPartition
from reliability.lag.domain import sentences
from reliability.lag.domain.reset import LEFT, How, Row, Target

SPELLED_MAX = 20
"""Offsets in one copied request: more are nothing to read or to paste."""


def named(target: Target) -> str:
    """Return where to go on, in words: "the earliest record", "offset 500", "100 records back"."""
    match target.how:
        case How.EARLIEST:
            return "the earliest record"
        case How.LATEST:
            return "the end of the log"
        case How.TIME:
            return _iso(target.time_ms or 0)
        case How.OFFSET:
            return f"offset {target.offset or 0}"
        case How.SHIFT:
            shift = target.shift or 0
            return f"{sentences.records(abs(shift))} {'back' if shift < 0 else 'forward'}"
        case How.FILE:
            return f"the offsets of a file, {_partitions(len(target.offsets))}"


def value_in(how: str, words: str) -> str:
    """Return the number or time of a target's words: what ``named`` was told. "" where it is told none."""
    match how:
        case How.TIME:
            return words
        case How.OFFSET:
            return words.rpartition(" ")[2]
        case How.SHIFT:
            count = words.partition(" ")[0].replace(",", "")
            return f"-{count}" if words.endswith("back") else count
        case _:
            return ""


def requested(how: str, words: str, rows: Collection[Row]) -> object:
    """Return what a request to the API has as ``to``; None where it would be too long to be copied."""
    value = value_in(how, words)
    if how == How.FILE:
        named_rows = [row for row in rows if row.after is not None]
        offsets = [{"topic": row.topic, "partition": row.partition, "offset": row.after} for row in named_rows]
        return {"offsets": offsets} if 0 < len(offsets) <= SPELLED_MAX else None
    if how in (How.OFFSET, How.SHIFT):
        return {str(how): int(value)}
    return {"time": value} if how == How.TIME else str(how)


def sentence(*, group: str, rows: Collection[Row], forget: Collection[TopicPartition] = (), done: bool = False) -> str:
    """Return the whole reset: "billing goes on 12,400 records earlier: 12,400 will be read again, none skipped"."""
    moved = [row.after - row.before for row in rows if row.changes and row.before is not None and row.after is not None]
    back, on = -sum(each for each in moved if each < 0), sum(each for each in moved if each > 0)
    new = sum(1 for row in rows if row.changes and row.before is None)
    ways = [f"{sentences.records(back)} earlier"] if back else []
    ways += [f"{sentences.records(on)} later"] if on else []
    ways += [f"where it is told in {_partitions(new)} without a commit"] if new else []
    ways += [f"without its commit in {_partitions(len(forget))}"] if forget else []
    verb = "was set" if done else "goes on"
    return f"{group} {verb} {' and '.join(ways) or 'where it is'}: {_cost(rows, done=done)}."


def _cost(rows: Collection[Row], *, done: bool) -> str:
    replayed, skipped = sum(row.replayed for row in rows), sum(row.skipped for row in rows)
    will = "are" if done else "will be"
    again = f"{replayed:,} {('is' if done else will) if replayed == 1 else will} read again" if replayed else ""
    past = f"{skipped:,} {('is' if done else will) if skipped == 1 else will} skipped" if skipped else ""
    if again and past:
        return f"{again}, {past}"
    if again:
        return f"{again}, none skipped"
    return f"none {will} read again, {past or 'none skipped'}"


def warnings(rows: Sequence[Row], forget: Collection[TopicPartition] = (), *, is_undo: bool = False) -> list[str]:
    """Return what to weigh before it is applied. An undo skips what lay before a commit of the group's own."""
    replayed, skipped = sum(row.replayed for row in rows), sum(row.skipped for row in rows)
    new = sum(1 for row in rows if row.changes and row.before is None)
    left = sum(1 for row in rows if row.note.startswith(LEFT))
    found = []
    if replayed:
        found.append(
            f"{sentences.records(replayed)} {'is' if replayed == 1 else 'are'} handled a second time: right only if "
            "its consumers are idempotent, so that a record that comes twice counts once."
        )
    if skipped and is_undo:
        are = "is" if skipped == 1 else "are"
        found.append(f"{sentences.records(skipped)} {are} not read again: before the reset the group had passed them.")
    elif skipped:
        found.append(
            f"{sentences.records(skipped)} {'is' if skipped == 1 else 'are'} never read by this group, unless it is "
            "set back before retention deletes them."
        )
    if new:
        found.append(f"{_partitions(new)} had no commit: whether their records were read before is not known.")
    if forget:
        found.append(
            f"The commit of {_partitions(len(forget))} is deleted: consumers begin there where their own "
            "auto.offset.reset says."
        )
    if left:
        stays = "is left as it is" if left == 1 else "are left as they are"
        found.append(f"{_partitions(left)} {stays}: the notes say why.")
    return found


def drain(*, waiting: int | None, reads_per_s: float | None, comes_per_s: float | None) -> str:
    """Return how long what then waits takes, at the pace at which the group works off a backlog; says if not known.

    ``comes_per_s`` None: not known, and left out.
    """
    if waiting is None:
        return "not known: where some logs end is not known"
    if waiting == 0:
        return "nothing will wait"
    waits = f"{sentences.records(waiting)} will wait"
    if not reads_per_s:
        return f"{waits}; for how long is not known: it was not seen to work off a backlog within the last day"
    pace = f"{sentences.rate(reads_per_s)}, its pace with a backlog within the last day"
    net = reads_per_s - (comes_per_s or 0.0)
    if net <= 0:
        return f"{waits}; it will not catch up at {pace}, while {sentences.rate(comes_per_s)} come in"
    comes = f", while {sentences.rate(comes_per_s)} come in" if comes_per_s else ""
    return f"{waits}, for about {sentences.span(waiting / net)} at {pace}{comes}"


def waiting(rows: Collection[Row]) -> int | None:
    """Return how many records will wait in these partitions after the reset; None when one of them is not known."""
    total = 0
    for row in rows:
        at = row.after if row.after is not None else row.before
        if row.note.startswith(LEFT) and row.end is None:
            return None
        if at is not None and row.end is not None:
            total += max(0, row.end - max(at, row.start or 0))
    return total


def _partitions(number: int) -> str:
    return "1 partition" if number == 1 else f"{number:,} partitions"


def _iso(time_ms: int) -> str:
    at = datetime.fromtimestamp(time_ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds" if time_ms % 1000 else "seconds").replace("+00:00", "Z")


def same_name(typed: str, name: str) -> bool:
    """Whether somebody typed a group's name: a field of one line holds no line breaks, and a page folds spaces."""
    return "".join(typed.split()) == "".join(name.split())
