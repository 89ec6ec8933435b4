"""What was seen of a group on a topic, in stretches of time: looks fold into minutes, minutes into ten minutes.

Merging is associative, so it does not matter who merges what first: a poller its looks, or an upkeep its minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from reliability.lag.domain import verdict
from reliability.lag.domain.values import Sample, Word

_Number = TypeVar("_Number", int, float)

MINUTE_S = 60
TEN_MINUTES_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A stretch of time that begins at ``at_s`` (Unix seconds, a multiple of its width)."""

    at_s: int
    lag: int | None
    """The last that was known in it, records; None when none was."""
    lag_at_s: float | None
    """When that was."""
    lag_max: int | None
    lag_s_max: float | None
    """The longest time lag, seconds."""
    consumed: int
    produced: int
    severity: int
    """The worst word's (``verdict.SEVERITY``)."""
    looks: int
    known: int
    """Partitions that could be told, summed over all looks."""
    partitions: int
    """Partitions that were looked at, summed over all looks."""

    @property
    def coverage(self) -> float | None:
        """Which share of what was looked at could be told; None when nothing was looked at."""
        return self.known / self.partitions if self.partitions else None

    @property
    def word(self) -> Word:
        """The worst word."""
        return verdict.word_of(self.severity)


def of_look(
    *,
    at_s: float,
    lag: int | None,
    lag_s: float | None,
    consumed: int,
    produced: int,
    word: Word,
    known: int,
    partitions: int,
) -> Bucket:
    """Return one look as a minute's bucket. Counts are those since the look before."""
    return Bucket(
        at_s=_start(at_s, MINUTE_S),
        lag=lag,
        lag_at_s=None if lag is None else at_s,
        lag_max=lag,
        lag_s_max=lag_s,
        consumed=consumed,
        produced=produced,
        severity=verdict.SEVERITY[word],
        looks=1,
        known=known,
        partitions=partitions,
    )


def moved(before: Sample, after: Sample) -> tuple[int, int]:
    """Return a partition's records that were (consumed, produced) between two looks; what went back counts as 0."""
    return max(0, after.committed - before.committed), max(0, after.end - before.end)


def merge(one: Bucket, other: Bucket) -> Bucket:
    """Return both as one; of last lags of the same instant the other's. Raises ``ValueError`` for different starts."""
    if one.at_s != other.at_s:
        raise ValueError(f"buckets of {one.at_s} and {other.at_s} are of different times")
    last = one if (other.lag_at_s is None or (one.lag_at_s or 0.0) > other.lag_at_s) else other
    return Bucket(
        at_s=one.at_s,
        lag=last.lag,
        lag_at_s=last.lag_at_s,
        lag_max=_highest(one.lag_max, other.lag_max),
        lag_s_max=_highest(one.lag_s_max, other.lag_s_max),
        consumed=one.consumed + other.consumed,
        produced=one.produced + other.produced,
        severity=max(one.severity, other.severity),
        looks=one.looks + other.looks,
        known=one.known + other.known,
        partitions=one.partitions + other.partitions,
    )


def fold(buckets: Iterable[Bucket], *, width_s: int) -> list[Bucket]:
    """Return buckets of ``width_s`` made from narrower ones, oldest first; a stretch without any has none."""
    wider: dict[int, Bucket] = {}
    for bucket in buckets:
        at_s = _start(bucket.at_s, width_s)
        moved_there = replace(bucket, at_s=at_s)
        wider[at_s] = merge(wider[at_s], moved_there) if at_s in wider else moved_there
    return [wider[at_s] for at_s in sorted(wider)]


def _start(at_s: float, width_s: int) -> int:
    return int(at_s // width_s) * width_s


def _highest(one: _Number | None, other: _Number | None) -> _Number | None:
    if one is None or other is None:
        return one if other is None else other
    return max(one, other)
