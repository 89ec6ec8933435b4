"""What became of a sent item, in words that claim no more than is known.

*Passed*: the group's committed offset went beyond the item, then our ingest read every dead-letter topic of the group
up to where it ended after that; from there no new letter came for a window, and our ingest was again up to date at the
window's end.
*Confirmed*: proof only. *Failed again*: a new letter, or an inbox row that gave up. *Unknown*: the deadline passed, or
the group lost the offset it had.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from dlq.domain.item import ItemEvent, ItemState
from reliability.kernel import wire

WINDOW_MIN_S = 60.0
"""A window is never shorter: consumers fail late, producers of dead letters batch."""

LETTER_GRACE_S = 15.0
"""How long after an inbox row gave up its letter is waited for: it travels through the outbox and Kafka."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One look at a group's dead-letter topics: their ends were asked at ``asked_at``, and had all been read by our
    ingest at ``reached_at``."""

    asked_at: datetime
    reached_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An item with a receipt and what was noted of it so far. ``group`` is "" while nobody said who processes it."""

    state: ItemState
    group: str
    attempt: int
    offset: int
    sent_at: datetime
    went_by_at: datetime | None = None  # when the group's committed offset was first seen beyond it
    window_from: datetime | None = None  # when the quiet window began


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxNote:
    """What the consumer's inbox says of the message: ``attempt`` is the delivery it came of, ``at`` when."""

    state: Literal["done", "retrying", "gave_up"]
    attempt: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a look at the world found for one item.

    ``committed``: the group's committed offset of the item's partition, None when it has none. ``committed_known``:
    whether Kafka answered. ``inbox``: the consumer's inbox row, when its inbox is ours to read.
    ``new_letter``: whether a letter with the item's coordinates or its replay header was stored.
    """

    committed: int | None = None
    committed_known: bool = False
    inbox: InboxNote | None = None
    new_letter: bool = False
    round: Round | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How long to look: window and deadline in seconds, and whether the group commits only what it has processed."""

    window_s: float
    deadline_s: float
    commits_after_processing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What to write down: an event (or none yet), its reason, and the two marks of the item."""

    event: ItemEvent | None
    proof: str
    went_by_at: datetime | None
    window_from: datetime | None


def judge(item: Sent, evidence: Evidence, rules: Rules, *, now: datetime) -> Judgement:
    """Return what is known of ``item`` now. Failure outranks proof, proof outranks silence."""
    marks = item.went_by_at, item.window_from
    found = _told(item, evidence, now=now)
    if found is None and item.state is ItemState.SENT and item.group:
        marks = _marks(item, evidence, now=now)
        found = _watched(item, evidence, rules, marks, now=now)
    event, proof = found or (None, "")
    return Judgement(event=event, proof=proof, went_by_at=marks[0], window_from=marks[1])


_Found = tuple[ItemEvent, str]
_Marks = tuple[datetime | None, datetime | None]


def _told(item: Sent, evidence: Evidence, *, now: datetime) -> _Found | None:
    """What letters and inbox rows say outright."""
    if evidence.new_letter:
        return ItemEvent.FAILED, "a new letter"
    note = evidence.inbox
    if note is None or note.state == "retrying":
        return None
    if note.state == "done":
        return ItemEvent.PROVED, "the consumer's inbox"
    waited = now - note.at >= timedelta(seconds=LETTER_GRACE_S)
    return (ItemEvent.FAILED, "the consumer's inbox says it gave up") if waited and _is_ours(item, note) else None


def _is_ours(item: Sent, note: InboxNote) -> bool:
    """Whether the note tells of this replay or of a retry of it, not of what came before."""
    return note.attempt >= item.attempt


def _marks(item: Sent, evidence: Evidence, *, now: datetime) -> _Marks:
    went_by_at, window_from = item.went_by_at, item.window_from
    if went_by_at is None and _is_beyond(item, evidence):
        went_by_at = now
    if went_by_at is not None and window_from is None and evidence.round and evidence.round.asked_at >= went_by_at:
        window_from = evidence.round.reached_at
    return went_by_at, window_from


def _is_beyond(item: Sent, evidence: Evidence) -> bool:
    return evidence.committed is not None and evidence.committed > item.offset


def _watched(item: Sent, evidence: Evidence, rules: Rules, marks: _Marks, *, now: datetime) -> _Found | None:
    """What the group's offsets and the quiet since then say."""
    went_by_at, window_from = marks
    if went_by_at is not None and evidence.committed_known and not _is_beyond(item, evidence):
        return ItemEvent.EXPIRED, f"the offsets of group {item.group} were reset or deleted"
    if went_by_at is not None and rules.commits_after_processing:
        return ItemEvent.PROVED, f"group {item.group} is declared to commit only what it has processed"
    window = timedelta(seconds=rules.window_s)
    quiet = evidence.inbox is None  # else its group is busy with it, or has passed over it
    if quiet and window_from and evidence.round and evidence.round.asked_at >= window_from + window:
        return ItemEvent.GONE_BY, f"no new letter for {rules.window_s:.0f} s"
    deadline = item.sent_at + timedelta(seconds=rules.deadline_s) + (window if window_from is not None else timedelta())
    if now >= deadline:
        return ItemEvent.EXPIRED, f"no outcome within {(deadline - item.sent_at).total_seconds():.0f} s of sending"
    return None


def retry_total_s(topics: Collection[str], *, topic: str, group: str) -> int:
    """Return how long a group's own retry topics let a record wait in all, in seconds, read from their names."""
    prefix = wire.retry_topic(topic, group, 0)[:-1]
    waits = (name[len(prefix) :] for name in topics if name.startswith(prefix))
    return sum(int(wait) for wait in waits if wait.isdigit() and len(wait) <= 6)


def window_s(*, declared_retry_s: float) -> float:
    """Return the length of the quiet window of a group that declares that much retrying."""
    return max(WINDOW_MIN_S, declared_retry_s)
