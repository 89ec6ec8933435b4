"""Who decides: operator before drill before policy before schedule before the default of the code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Source(StrEnum):
    """Where a level comes from, the strongest first."""

    OPERATOR = "operator"
    DRILL = "drill"
    POLICY = "policy"
    SCHEDULE = "schedule"
    DEFAULT = "default"

    @property
    def rank(self) -> int:
        """The place in the order, from 0 for the strongest."""
        return _RANK[self]


_RANK = {source: rank for rank, source in enumerate(Source)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One word on a flag's level, which holds until ``until``, without end when that is None.

    What is scheduled holds from ``since`` on; everything else holds once it is said, also where a host's clock is
    behind that of whoever said it.

    ``owner`` is the policy's or window's name where there may be several of a source; ``actor`` is who said it.
    """

    source: Source
    level: int
    actor: str
    reason: str
    since: datetime
    until: datetime | None = None
    owner: str = ""

    def holds(self, now: datetime) -> bool:
        """Whether it holds at this instant; at ``until`` it does no more."""
        has_begun = self.source is not Source.SCHEDULE or self.since <= now
        return has_begun and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is in force: the deciding entry, and those that hold but are shadowed by it, the strongest first.

    ``changes_at``: when it may become another one by time alone, if nobody says anything meanwhile.
    """

    decides: Entry
    shadows: tuple[Entry, ...] = ()
    changes_at: datetime | None = None

    @property
    def level(self) -> int:
        """The level in force."""
        return self.decides.level

    @property
    def why(self) -> str:
        """Who decided it and why, in a sentence."""
        return _why(self.decides)


def resolve(entries: Iterable[Entry], *, now: datetime) -> Standing:
    """Return what is in force now. One entry must be the default; raises ``ValueError`` when nothing holds.

    Of several entries of one source the highest level decides, then the older one, then the first by name: what is
    safer is not taken back by a second opinion.
    """
    known = list(entries)
    holding = sorted((entry for entry in known if entry.holds(now)), key=_strength)
    if not holding:
        raise ValueError("no entry holds: a flag always has the default of its code")
    decides, *shadows = holding
    instants = [entry.until for entry in holding if entry.until is not None]
    instants += [entry.since for entry in known if entry.since > now and entry.source is Source.SCHEDULE]
    return Standing(decides=decides, shadows=tuple(shadows), changes_at=min(instants, default=None))


def default_entry(level: int, *, since: datetime) -> Entry:
    """Return the entry that every flag has: the level that its code names."""
    return Entry(source=Source.DEFAULT, level=level, actor="code", reason="declared in the code", since=since)


def _strength(entry: Entry) -> tuple[int, int, datetime, str, float]:
    lasts = entry.until.timestamp() if entry.until is not None else float("inf")
    return entry.source.rank, -entry.level, entry.since, entry.owner, -lasts


def _why(entry: Entry) -> str:
    reason = entry.reason.strip().rstrip(".")
    match entry.source:
        case Source.OPERATOR:
            return f"{entry.actor} set it by hand: {reason}."
        case Source.DRILL:
            return f"A drill of {entry.actor} sets it: {reason}."
        case Source.POLICY:
            return f"The policy {entry.owner} set it: {reason}."
        case Source.SCHEDULE:
            return f"It is scheduled so by {entry.actor}: {reason}."
    return "Nobody has said anything: it is the default of the code."
