"""What a poll concludes about a group: the rows of its page, its sums by topic, its members."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from reliability.lag.domain.values import Word


class PartitionRow(NamedTuple):
    """A partition of a group as stored (a JSON list) and shown. None: not known."""

    topic: str
    partition: int
    word: str
    reason: str
    committed: int | None
    start: int | None
    end: int | None
    stable: int | None
    lag: int | None
    lag_s: float | None
    at_least: bool
    """``lag_s`` is a lower bound: the record at the commit is older than what was watched."""
    lost: int
    owner: int
    """The owning member's place in ``members``; -1: nobody, -2: not known."""
    leader: int


class MemberRow(NamedTuple):
    """A member as stored (a JSON list) and shown."""

    id: str
    client_id: str
    host: str
    instance_id: str | None
    owns: int
    lag: int | None
    moving: int
    """Partitions on their way to or from it, while a group of the new protocol reconciles."""


NOBODY, NOT_KNOWN = -1, -2


class TopicSum(NamedTuple):
    """What of a group belongs to one topic; the figures of an account that sees some topics only come from these."""

    lag: int | None
    lag_s: float | None
    at_least: bool
    word: str
    partitions: int
    untold: int
    lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A group after a poll: what its row in the database says."""

    name: str
    state: str
    protocol: str
    type: str
    assignor: str
    coordinator: int
    word: Word
    reason: str
    lag: int | None
    lag_s: float | None
    at_least: bool
    trend: str
    eta_s: float | None
    loss_s: float | None
    lost: int
    expires_in_s: float | None
    empty_since_s: float | None
    """Unix seconds: when it was first seen without members."""
    rows: list[PartitionRow]
    members: list[MemberRow]
    per_topic: dict[str, TopicSum]
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def untold(self) -> int:
        """Partitions of which something could not be told."""
        return sum(each.untold for each in self.per_topic.values())


def sums(rows: list[PartitionRow], severity: dict[Word, int]) -> dict[str, TopicSum]:
    """Return the sums of a group's rows by topic. A lag is None only where no partition's is known."""
    by_topic: dict[str, list[PartitionRow]] = {}
    for row in rows:
        by_topic.setdefault(row.topic, []).append(row)
    return {topic: _sum(each, severity) for topic, each in by_topic.items()}


def _sum(rows: list[PartitionRow], severity: dict[Word, int]) -> TopicSum:
    known = [row.lag for row in rows if row.lag is not None]
    slowest = max((row for row in rows if row.lag_s is not None), key=lambda row: row.lag_s or 0.0, default=None)
    return TopicSum(
        lag=sum(known) if known else None,
        lag_s=slowest.lag_s if slowest else None,
        at_least=slowest.at_least if slowest else False,
        word=max((Word(row.word) for row in rows), key=lambda word: severity[word]).value,
        partitions=len(rows),
        untold=sum(1 for row in rows if row.lag is None and row.word in (Word.UNKNOWN, Word.AHEAD)),
        lost=sum(row.lost for row in rows),
    )
