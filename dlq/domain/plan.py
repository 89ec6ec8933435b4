"""A replay plan: what would be sent, what would not and why, counted before anybody approves it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

LETTERS_MAX = 100_000
"""Letters in one plan: an operator can still judge it, and approving it is one transaction of a few seconds."""

LIFETIME = timedelta(minutes=15)
"""A plan older than this says too little about now to be approved."""

NAMES_MAX = 50
"""Entries of each breakdown in a plan; the rest is summed up as "other"."""

INCLUDES = frozenset({"quarantined", "headers_unreadable"})
"""What a plan leaves out unless it is named."""

_AGES = (("under 1 h", 3_600), ("under 1 d", 86_400), ("under 7 d", 7 * 86_400))
_OLDEST = "7 d and older"


class Kind(StrEnum):
    """Where a replay goes."""

    ORIGIN = "origin"  # the topic the record failed in: every group there reads it again
    TOPIC = "topic"  # another topic
    GROUP = "group"  # the origin topic, marked for the group that failed: others of ours skip it


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a replay goes; ``topic`` only for ``Kind.TOPIC``."""

    kind: Kind = Kind.ORIGIN
    topic: str = ""

    def topic_of(self, origin_topic: str) -> str:
        """Return the topic a letter of ``origin_topic`` is sent to, "" when it is not known."""
        return self.topic if self.kind is Kind.TOPIC else origin_topic

    def group_of(self, consumer_group: str) -> str:
        """Return who handles a letter of ``consumer_group`` there, "" when nobody can tell: its group reads the topic
        it failed in, and who reads another one the letter does not say."""
        return "" if self.kind is Kind.TOPIC else consumer_group

    def as_json(self) -> dict[str, str]:
        """Return the form in which it is stored and shown."""
        return {"kind": str(self.kind)} | ({"topic": self.topic} if self.kind is Kind.TOPIC else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the operator chose. ``failed_limit``: the share of failures that stops the run, None for never."""

    target: Target
    rate: float
    failed_limit: float | None
    include: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One letter of the scope, with what decides about it. ``stored_at`` to ``now`` is its age."""

    id: int
    state: str
    group_id: int
    title: str
    origin_topic: str
    consumer_group: str
    size: int  # bytes: key, value and headers
    stored_at: datetime
    headers_unreadable: bool
    failed_before: bool  # a replay of it, or of the letter it came from, failed again
    unknown_before: bool  # a replay of it ended as unknown: it may have been processed
    partition_kept: bool
    is_pointer: bool = False  # key, value or headers are only at the origin: to send the letter would send nothing


class Leaving(StrEnum):
    """Why a letter of the scope is not sent."""

    NOT_THERE = "not there, or not in your topics"
    REPLAYING = "already in another replay"
    RESOLVED = "already resolved"
    DISCARDED = "discarded"
    QUARANTINED = "quarantined"
    HEADERS_UNREADABLE = "headers unreadable"
    POINTER = "only points to the record"
    NO_DESTINATION = "origin not known"
    MISSING_DESTINATION = "destination does not exist"
    NO_GROUP = "consumer group not known"
    OVERSIZE = "larger than the destination takes"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the plan knows outside the letters. ``partitions`` None: Kafka did not answer. ``limits`` in bytes.

    ``dead_letter_topics``: the destinations that are read as dead-letter topics.
    """

    partitions: Mapping[str, int] | None
    limits: Mapping[str, int]
    dead_letter_topics: Collection[str] = ()


@dataclass(slots=True, kw_only=True)
class Tally:
    """The counts of a plan, filled letter by letter."""

    ids: list[int] = field(default_factory=list)
    leaving: Counter[Leaving] = field(default_factory=Counter)
    by_group: Counter[tuple[int, str]] = field(default_factory=Counter)
    by_topic: Counter[str] = field(default_factory=Counter)
    by_age: Counter[str] = field(default_factory=Counter)
    failed_before: int = 0
    unknown_before: int = 0
    partition_changed: int = 0
    group_unknown: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    consumer_groups: set[str] = field(default_factory=set)
    origin_topics: set[str] = field(default_factory=set)


def tally(candidates: Iterable[Candidate], *, terms: Terms, world: World, now: datetime) -> Tally:
    """Decide about each letter and count. The order of ``candidates`` is the order in which they would be sent."""
    counts = Tally()
    for letter in candidates:
        reason = _leaving(letter, terms, world)
        if reason is None:
            _count(counts, letter, terms, now)
        else:
            counts.leaving[reason] += 1
            if reason is Leaving.MISSING_DESTINATION:
                counts.missing[terms.target.topic_of(letter.origin_topic)] += 1
    return counts


def _leaving(letter: Candidate, terms: Terms, world: World) -> Leaving | None:
    by_state = {
        "replaying": Leaving.REPLAYING,
        "resolved": Leaving.RESOLVED,
        "discarded": Leaving.DISCARDED,
        "quarantined": None if "quarantined" in terms.include else Leaving.QUARANTINED,
    }
    if (reason := by_state.get(letter.state)) is not None:
        return reason
    if letter.headers_unreadable and "headers_unreadable" not in terms.include:
        return Leaving.HEADERS_UNREADABLE
    if letter.is_pointer:
        return Leaving.POINTER
    return _unreachable(letter, terms, world)


def _unreachable(letter: Candidate, terms: Terms, world: World) -> Leaving | None:
    topic = terms.target.topic_of(letter.origin_topic)
    if not topic:
        return Leaving.NO_DESTINATION
    if world.partitions is not None and topic not in world.partitions:
        return Leaving.MISSING_DESTINATION
    if terms.target.kind is Kind.GROUP and not letter.consumer_group:
        return Leaving.NO_GROUP
    return Leaving.OVERSIZE if letter.size > world.limits[topic] else None


def _count(counts: Tally, letter: Candidate, terms: Terms, now: datetime) -> None:
    counts.ids.append(letter.id)
    counts.by_group[letter.group_id, letter.title] += 1
    counts.by_topic[terms.target.topic_of(letter.origin_topic)] += 1
    counts.by_age[age_of(letter.stored_at, now=now)] += 1
    counts.failed_before += letter.failed_before
    counts.unknown_before += letter.unknown_before
    counts.partition_changed += not letter.partition_kept
    group = terms.target.group_of(letter.consumer_group)
    counts.group_unknown += not group
    counts.consumer_groups.add(group)
    counts.origin_topics.add(letter.origin_topic)


def age_of(since: datetime, *, now: datetime) -> str:
    """Return the age bracket in which a plan counts a letter."""
    age_s = (now - since).total_seconds()
    return next((name for name, limit_s in _AGES if age_s < limit_s), _OLDEST)


def content_hash(*, ids: Sequence[int], terms: Terms, strip_rules: str) -> str:
    """Return the hash of everything that decides what a run sends, and how: what was approved is what runs."""
    content = {
        "ids": list(ids),
        "target": terms.target.as_json(),
        "rate": terms.rate,
        "failed_limit": terms.failed_limit,
        "include": sorted(terms.include),
        "strip": strip_rules,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def keeps_partition(*, origin_partition: int | None, count_then: int | None, count_now: int | None) -> bool:
    """Return whether a letter goes to the partition it came from: only while the topic has as many as it had then.

    A count that is not known is taken for unchanged, as long as the partition can exist.
    """
    if origin_partition is None:
        return False
    if count_now is None:
        return True
    return origin_partition < count_now and (count_then is None or count_then == count_now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something the operator should weigh before approving; ``count`` letters are concerned."""

    code: str
    count: int
    text: str

    def as_json(self) -> dict[str, object]:
        """Return the form in which it is stored and shown."""
        return {"code": self.code, "count": self.count, "text": self.text}


Readers = Mapping[str, Collection[str]] | None
"""Topic -> consumer groups that read it; None when Kafka did not answer."""


_GROUP_UNKNOWN = {
    False: "name no consumer group: they stay sent until you choose the group",
    True: "go to a topic whose consumer group is not known: they stay sent until you choose the group",
}


def notices(counts: Tally, *, terms: Terms, world: World, readers: Readers) -> list[Notice]:
    """Return what to weigh, each with the number of letters concerned."""
    total = len(counts.ids)
    found = [
        Notice(code="failed-before", count=counts.failed_before, text="were replayed before and failed again"),
        Notice(
            code="unknown-before",
            count=counts.unknown_before,
            text="were sent before with unknown outcome: they may be processed twice",
        ),
        Notice(
            code="partition-changed",
            count=counts.partition_changed,
            text="go to the partition of their key: it is not known to be the one they came from",
        ),
        Notice(
            code="group-unknown",
            count=counts.group_unknown,
            text=_GROUP_UNKNOWN[terms.target.kind is Kind.TOPIC],
        ),
        *(
            Notice(code="destination-missing", count=missing, text=f"cannot be sent: topic {topic} does not exist")
            for topic, missing in sorted(counts.missing.items())
        ),
        *(
            Notice(
                code="dead-letter-destination",
                count=counts.by_topic[topic],
                text=f"go to {topic}, a dead-letter topic: they come back as new letters",
            )
            for topic in sorted(world.dead_letter_topics)
        ),
        Notice(
            code="kafka-unreachable",
            count=total if world.partitions is None else 0,
            text="go to topics that were not checked: Kafka did not answer",
        ),
        *_readers(counts, terms, readers),
    ]
    return [notice for notice in found if notice.count]


def _readers(counts: Tally, terms: Terms, readers: Readers) -> list[Notice]:
    if readers is None:
        text = "may be read by other groups too: Kafka could not tell which in time"
        return [Notice(code="readers-unknown", count=len(counts.ids), text=text)]
    found = []
    skip = "; those that use Mainstay's consumer skip it" if terms.target.kind is Kind.GROUP else ""
    for topic, count in sorted(counts.by_topic.items()):
        others = sorted(set(readers.get(topic, ())) - counts.consumer_groups)
        if others:
            shown = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
            found.append(Notice(code="other-groups", count=count, text=f"are read on {topic} by {shown} too{skip}"))
    return found
