"""Who is in a group: what changed between two descriptions, who has nothing to do, who has too much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from math import ceil
from typing import NamedTuple

from reliability.kafka.ports.groups import GroupMember
from reliability.kernel.record import TopicPartition
from reliability.kernel.text import printable

NAMES_MAX = 3
"""More members than this are counted in a sentence, not named."""
NAME_CHARS_MAX = 60


class Kind(StrEnum):
    """What became of a member. In this order they may cause what follows: who leaves makes others move."""

    LEFT = "left"
    JOINED = "joined"
    RETURNED = "returned"  # a static member under a new member id: its place was kept
    MOVED = "moved"  # it stayed; its partitions did not


_ORDER = {kind: place for place, kind in enumerate(Kind)}


class Change(NamedTuple):
    """What became of one member."""

    kind: Kind
    name: str
    member: GroupMember
    """As it was last seen."""
    gained: frozenset[TopicPartition]
    lost: frozenset[TopicPartition]


class Skew(NamedTuple):
    """How uneven the load is: 1 is as even as can be. None where nothing is owned, or no lag is known or there."""

    owned: float | None
    """The most partitions of one member, by an even share in whole partitions."""
    lag: float | None
    """The most lag of one member, by the mean of those that own something."""


def diff(before: Iterable[GroupMember], after: Iterable[GroupMember]) -> tuple[Change, ...]:
    """Return what became of each member, in the order of ``Kind``, then by name.

    A static member that came back under another member id did not leave. Compare groups at rest: while a classic group
    rebalances, it describes its members without partitions.
    """
    was = {_identity(member): member for member in before}
    now = {_identity(member): member for member in after}
    changes = [*_gone(was, now), *_new(was, now), *_kept(was, now)]
    return tuple(sorted(changes, key=lambda change: (_ORDER[change.kind], change.name, change.member.id)))


def trigger(steps: Iterable[Sequence[Change]]) -> Change | None:
    """Return who set off a rebalance seen in several steps: in the first step who left, or else joined or came back."""
    for changes in steps:
        for change in changes:
            if change.kind is not Kind.MOVED:
                return change
    return None


def idle(members: Iterable[GroupMember]) -> tuple[GroupMember, ...]:
    """Return members that own nothing and are about to own nothing: there are more members than partitions."""
    return tuple(member for member in members if not member.owns and not member.target)


def skew(members: Sequence[GroupMember], lags: Mapping[TopicPartition, int | None]) -> Skew:
    """Return how unevenly partitions and lag are spread over the members.

    The even share of partitions is rounded up, and idle members count: seven partitions on three members cannot be more
    even than 3, 2, 2.
    """
    owned = [len(member.owns) for member in members]
    if not any(owned):
        return Skew(None, None)
    lag = [sum(lags.get(place) or 0 for place in member.owns) for member in members if member.owns]
    share = max(owned) / ceil(sum(owned) / len(owned))
    return Skew(share, max(lag) * len(lag) / sum(lag) if sum(lag) > 0 else None)


def rebalance_text(changes: Sequence[Change]) -> str:
    """Return one sentence for the timeline: "worker-2 left; 3 partitions got a new owner"; "" when nothing changed."""
    parts = []
    for kind, verb in ((Kind.LEFT, "left"), (Kind.JOINED, "joined"), (Kind.RETURNED, "came back")):
        names = [change.name for change in changes if change.kind is kind]
        if names:
            parts.append(f"{_listed(names)} {verb}")
    gained = frozenset[TopicPartition]().union(*(change.gained for change in changes))
    orphans = frozenset[TopicPartition]().union(*(change.lost for change in changes)) - gained
    if gained:
        parts.append(f"{_partitions(len(gained))} got a new owner")
    if orphans:
        parts.append(f"nobody owns {_partitions(len(orphans))} any more")
    return "; ".join(parts)


def name_of(member: GroupMember) -> str:
    """Return what a member is called: its static id, or its client id and host, for many clients share one id."""
    if member.instance_id:
        return printable(member.instance_id, limit=NAME_CHARS_MAX)
    host = member.host.lstrip("/")  # brokers write "/10.0.0.3"
    name = f"{member.client_id} at {host}" if host else member.client_id
    return printable(name, limit=NAME_CHARS_MAX)


def _identity(member: GroupMember) -> tuple[str, str]:
    return ("static", member.instance_id) if member.instance_id else ("dynamic", member.id)


_Members = Mapping[tuple[str, str], GroupMember]


def _gone(was: _Members, now: _Members) -> list[Change]:
    return [
        Change(Kind.LEFT, name_of(member), member, gained=frozenset(), lost=member.owns)
        for key, member in was.items()
        if key not in now
    ]


def _new(was: _Members, now: _Members) -> list[Change]:
    return [
        Change(Kind.JOINED, name_of(member), member, gained=member.owns, lost=frozenset())
        for key, member in now.items()
        if key not in was
    ]


def _kept(was: _Members, now: _Members) -> list[Change]:
    found = []
    for key, member in now.items():
        old = was.get(key)
        if old is None or (old.id == member.id and old.owns == member.owns):
            continue
        kind = Kind.MOVED if old.id == member.id else Kind.RETURNED
        found.append(Change(kind, name_of(member), member, gained=member.owns - old.owns, lost=old.owns - member.owns))
    return found


def _listed(names: Sequence[str]) -> str:
    if len(names) > NAMES_MAX:
        return f"{', '.join(names[:NAMES_MAX])} and {len(names) - NAMES_MAX} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _partitions(count: int) -> str:
    return "1 partition" if count == 1 else f"{count} partitions"
