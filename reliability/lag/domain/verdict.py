"""What is concluded about a partition of a group from its last looks: Burrow's rules, for one who polls.

Burrow sees every commit and its time (core/internal/evaluator/caching.go). A poller sees the commit that stood when
it looked, so STOP and STALL are told apart by who owns the partition, not by whether commits still come. Rules are
tried in order, the first that fits wins; doubt is UNKNOWN, never OK.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from reliability.console.domain import wording
from reliability.lag.domain.values import WINDOW, Sample, Seen, Verdict, Word

Status = Literal["ok", "warn", "crit", "paused", "unknown"]

PATIENCE = 1.5
"""A commit stands still once it has not moved for so many times as long as it took before: some commit each minute."""
FEW = 10
"""So many records may wait for a rare commit, also where it took fewer before."""
GAPS_MAX = 3
"""Looks of a window that may have told nothing: a leader that fails now and then would hide every verdict."""
BLOCKED_S = 8.0
"""A stable end that stood for less may belong to a transaction that ends soon. Ten looks a second apart span nine."""

SEVERITY: dict[Word, int] = {
    word: at
    for at, word in enumerate(
        (
            Word.EMPTY,
            Word.OK,
            Word.DEAD,
            Word.UNKNOWN,  # above OK: what cannot be told is not fine; below trouble: it hides none
            Word.WARN,
            Word.REWIND,
            Word.BLOCKED,
            Word.STALL,
            Word.STOP,
            Word.AHEAD,
            Word.TRUNCATED,  # the only one where records are gone already
        )
    )
}
"""The higher, the worse; no two words are equally bad."""

ERRORS = frozenset({Word.REWIND, Word.BLOCKED, Word.STALL, Word.STOP, Word.AHEAD, Word.TRUNCATED})
"""The words that put a group in error."""

_WORDS = tuple(SEVERITY)
_STATUSES: dict[Word, Status] = {
    Word.OK: "ok",
    Word.WARN: "warn",
    Word.UNKNOWN: "unknown",
    Word.EMPTY: "paused",
    Word.DEAD: "paused",
}
_ALL_READ = Verdict(word=Word.OK, reason="all is read", lag=0)  # most partitions, most of the time
_EMPTY = Verdict(word=Word.EMPTY, reason="no members, and nothing waits", lag=0)
_NOTHING_IN_IT = Verdict(word=Word.EMPTY, reason="nothing in it yet", lag=None)


def status_of(word: Word) -> Status:
    """Return the console's status of a word."""
    return _STATUSES.get(word, "crit")


def word_of(severity: int) -> Word:
    """Return the word of a severity. Raises ``IndexError`` for none of ours."""
    return _WORDS[severity]


def worst(verdicts: Iterable[Verdict]) -> Word:
    """Return the word of a group: its worst partition's. Of no partitions nothing is known: UNKNOWN."""
    return max((verdict.word for verdict in verdicts), key=SEVERITY.__getitem__, default=Word.UNKNOWN)


def judge(window: Sequence[Sample], seen: Seen, *, group_empty: bool) -> Verdict:
    """Judge a partition by what the last poll told (``seen``) and its last looks.

    ``window`` holds up to ``WINDOW`` samples, oldest first, the last one from this poll; samples of looks where nothing
    but markers waited have their end at the commit. ``group_empty``: the group has no members.
    """
    end, stable, committed, start = seen.end, seen.stable, seen.committed, seen.start
    if seen.problem or end is None or stable is None:
        return Verdict(word=Word.UNKNOWN, reason=seen.problem or "the end of its log is not known", lag=None)
    if committed is None:
        return _never_committed(start, end)
    if committed > end:
        return Verdict(
            word=Word.AHEAD,
            reason=f"the commit is {_records(committed - end)} beyond the end: the topic was recreated or truncated",
            lag=None,
        )
    if start is not None and committed < start:
        lost = start - committed
        reason = f"{_records(lost)} were deleted before they were read" if lost > 1 else "1 record was deleted unread"
        return Verdict(word=Word.TRUNCATED, reason=reason, lag=max(stable - start, 0), lost=lost)
    if committed < stable and not seen.only_markers:
        return _behind(window, seen, lag=stable - committed)
    held = end - max(stable, committed)
    if held > 0:
        return _held(window, committed=committed, stable=stable, held=held)
    return _EMPTY if group_empty and not seen.owned else _ALL_READ


def _never_committed(start: int | None, end: int) -> Verdict:
    if end == start:
        return _NOTHING_IN_IT
    count = f"{_records(end - start)}, " if start is not None else ""
    return Verdict(word=Word.UNKNOWN, reason=f"never committed: {count}whether they were read is not known", lag=None)


def _held(window: Sequence[Sample], *, committed: int, stable: int, held: int) -> Verdict:
    """Everything readable is read, and more is written behind an open transaction.

    A commit beyond the stable end belongs to a reader of uncommitted records: it is held by nothing while it moves.
    """
    span_s = window[-1].at_s - window[0].at_s if window else 0.0
    is_stuck = (
        len(window) >= WINDOW
        and span_s >= BLOCKED_S
        and all(sample.end == stable for sample in window)
        and (committed == stable or all(sample.committed == committed for sample in window))
    )
    if is_stuck:
        reason = f"{_waiting(held)} behind a transaction that has been open for {wording.span(span_s)} or longer"
        return Verdict(word=Word.BLOCKED, reason=reason, lag=held)
    return Verdict(word=Word.OK, reason=f"all is read but {_records(held)} of an open transaction", lag=0)


class _Course(NamedTuple):
    """How the looks at a partition went, in one pass."""

    looks: int
    span_s: float
    first_lag: int
    highest: int
    """The furthest commit that was within its log."""
    caught_up: bool
    """It had read everything at one of the looks."""
    stood: bool
    """The commit never moved."""
    fell: bool
    """The lag was lower at one look than at the look before."""
    stride: int
    """By how many records its commit moved at most from one look to the next."""


def _course(window: Sequence[Sample]) -> _Course:
    looks, first_s, at_s, first_lag, before, last_end = 0, 0.0, 0.0, 0, 0, -1
    highest, first_commit, caught_up, stood, fell = -1, 0, False, True, False
    stride = commit_before = 0
    for at_s, committed, end in window:
        lag = end - committed
        if end < last_end:
            looks = 0  # the log was made anew: what was before says nothing about this one
        if not looks:
            first_s, first_lag, before, first_commit = at_s, lag, lag, committed
            highest, caught_up, stood, fell = -1, False, True, False
            stride, commit_before = 0, committed
        looks += 1
        last_end = end
        if lag <= 0:
            caught_up = True
        elif lag < before:
            fell = True
        if lag >= 0 and committed > highest:
            highest = committed
        if committed != first_commit:
            stood = False
        stride = max(stride, committed - commit_before)
        before, commit_before = lag, committed
    return _Course(looks, at_s - first_s, first_lag, highest, caught_up, stood, fell, stride)


def _behind(window: Sequence[Sample], seen: Seen, *, lag: int) -> Verdict:
    """Readable records wait: tell who is behind for a moment from who is in trouble."""
    course = _course(window)
    committed = seen.committed or 0
    if committed < course.highest:
        back = course.highest - committed
        return Verdict(word=Word.REWIND, reason=f"its commit went back by {_records(back)}", lag=lag)
    if course.looks + min(seen.gaps, GAPS_MAX) < WINDOW:
        return Verdict(word=Word.UNKNOWN, reason=f"measuring: {course.looks} of {WINDOW} looks", lag=lag)
    span = wording.span(course.span_s)
    if course.caught_up:
        return Verdict(word=Word.OK, reason=f"it had read everything within the last {span}", lag=lag)
    if course.stood:
        if seen.waits_s < PATIENCE * seen.pace_s and lag <= max(2 * seen.stride, FEW):
            reason = f"it commits about every {wording.span(seen.pace_s)}, {_waiting(lag)} for the next"
            return Verdict(word=Word.OK, reason=reason, lag=lag)
        if seen.owned and seen.tried_s < course.span_s:
            reason = f"measuring: its owner has had it for {wording.span(seen.tried_s)}, {_waiting(lag)}"
            return Verdict(word=Word.UNKNOWN, reason=reason, lag=lag)
        return _standing(seen, lag, course.span_s)
    # Burrow warns of a lag that stays equal, too. With commits that move, equal is not falling behind; and what one
    # commit takes is on its way: looks and commits at nearly the same pace make a lag creep up to it.
    if not course.fell and lag > course.first_lag and lag > course.stride:
        reason = f"it falls behind: from {_records(course.first_lag)} to {_records(lag)} in {span}"
        return Verdict(word=Word.WARN, reason=reason, lag=lag)
    return Verdict(word=Word.OK, reason=f"it gets on, {_records(lag)} behind", lag=lag)


def _standing(seen: Seen, lag: int, span_s: float) -> Verdict:
    """What waits has waited for the whole window; how long it was before is told where it is known."""
    known = f"no commit for {wording.span(max(seen.waits_s, span_s))}{'' if seen.waits_s > span_s else ' or longer'}"
    reason = f"{known} while {_waiting(lag)}"
    if seen.owned is False:
        return Verdict(word=Word.STOP, reason=f"{reason}; nobody owns it", lag=lag)
    return Verdict(word=Word.STALL, reason=reason if seen.owned else f"{reason}; who owns it is not known", lag=lag)


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"


def _waiting(count: int) -> str:
    return "1 record waits" if count == 1 else f"{count:,} records wait"
