"""One look at a cluster: which groups there are, what those that are due have committed, where the logs end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from reliability.kafka import ports
from reliability.kernel import clock
from reliability.kernel.record import TopicPartition

Offsets = Mapping[TopicPartition, int | ports.Problem]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a cluster told at ``at_s`` (Unix seconds, when the ends were read).

    ``listed`` holds every group; ``commits`` and ``described`` those that were due; ``stable`` every partition that is
    followed, ``starts`` and ``ends`` those of the groups that were due.
    """

    at_s: float
    listed: Mapping[str, ports.GroupListing]
    described: Mapping[str, ports.GroupDescription | ports.Problem]
    commits: Mapping[str, Mapping[TopicPartition, int] | ports.Problem]
    layout: Mapping[TopicPartition, int]
    stable: Offsets
    starts: Offsets
    ends: Offsets
    took_s: float = 0.0
    asked: Mapping[int, int] = field(default_factory=dict)


class Reader:
    """Asks one cluster. Commits are read before ends, so that lag is never negative by race."""

    def __init__(
        self,
        admin: ports.GroupAdmin,
        *,
        between: Callable[[], None] = lambda: None,
        time: clock.Clock = clock.SYSTEM,
    ) -> None:
        """``between``: called between questions, each of which may take seconds."""
        self._admin = admin
        self._between = between
        self._time = time

    def groups(self) -> dict[str, ports.GroupListing]:
        """Every group the cluster shows us. Raises ``Unavailable``, ``Unsupported``."""
        return {group.name: group for group in self._admin.groups()}

    def look(
        self,
        listed: Mapping[str, ports.GroupListing],
        *,
        due: Collection[str],
        followed: Collection[TopicPartition],
    ) -> Look:
        """Read what is due; ``followed`` are partitions of other groups, whose readable ends are wanted too.

        Raises ``Unavailable`` when the cluster as a whole does not answer.
        """
        began_s = self._time.monotonic()
        commits = self._admin.commits(due) if due else {}
        self._between()
        described = self._admin.describe([listed[name] for name in due]) if due else {}
        self._between()
        layout = self._admin.layout()
        self._between()
        needed = _partitions_of(commits, described)
        there = {place for place in needed if layout.get(place, -1) >= 0}
        everywhere = there | {place for place in followed if layout.get(place, -1) >= 0}
        starts = self._admin.starts(there) if there else {}
        self._between()
        stable = self._admin.ends(everywhere, stable=True) if everywhere else {}
        at_s = self._time.now().timestamp()
        self._between()
        ends = self._admin.ends(there, stable=False) if there else {}
        return Look(
            at_s=at_s,
            listed=listed,
            described=described,
            commits=commits,
            layout=layout,
            stable=stable,
            starts=starts,
            ends=ends,
            took_s=self._time.monotonic() - began_s,
            asked=self._admin.requests(),
        )


def _partitions_of(
    commits: Mapping[str, Mapping[TopicPartition, int] | ports.Problem],
    described: Mapping[str, ports.GroupDescription | ports.Problem],
) -> set[TopicPartition]:
    """Every partition that one of the groups has committed or owns."""
    found: set[TopicPartition] = set()
    for committed in commits.values():
        if not isinstance(committed, ports.Problem):
            found.update(committed)
    for description in described.values():
        if isinstance(description, ports.GroupDescription):
            for member in description.members:
                found.update(member.owns)
    return found


def problem_of(place: TopicPartition, look: Look, *, committed: Mapping[TopicPartition, int] | ports.Problem) -> str:
    """Why a partition cannot be told, in words; "" when it can."""
    if isinstance(committed, ports.Problem):
        return f"its commits cannot be read: {committed.message}"
    leader = look.layout.get(place)
    if leader is None:
        return "the topic or partition is not there any more, or hidden from the console"
    if leader < 0:
        return "the partition has no leader"
    for what, offsets in (("end", look.stable), ("start", look.starts), ("end", look.ends)):
        found = offsets.get(place)
        if isinstance(found, ports.Problem):
            return f"its {what} cannot be read: {found.message}"
    return ""
