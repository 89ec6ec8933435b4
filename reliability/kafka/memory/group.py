"""A consumer group in memory: who owns which partition, and what the group has committed."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from reliability.kafka.memory.log import Log
from reliability.kernel.record import TopicPartition


@dataclass(slots=True, eq=False)
class Member:
    """One consumer as its group sees it."""

    topics: tuple[str, ...]
    pattern: re.Pattern[str] | None
    owned: set[TopicPartition] = field(default_factory=set)
    client_id: str = "memory"
    instance_id: str | None = None
    lost: bool = False
    """The group has given its partitions away without asking; the member learns it at its next poll."""

    def wants(self, topic: str) -> bool:
        """Whether it subscribed to this topic."""
        return topic in self.topics or (self.pattern is not None and self.pattern.fullmatch(topic) is not None)


class Group:
    """Cooperative and sticky: a member keeps what it owns unless that is over its fair share."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.members: list[Member] = []
        self.committed: dict[TopicPartition, int] = {}
        self.notes: dict[TopicPartition, str] = {}
        """What was said with a commit from outside."""
        self.type = ""
        """What its members call their protocol; a group that was only ever committed for has no word for it."""

    def join(
        self, topics: Sequence[str], pattern: str | None, *, client_id: str = "memory", instance_id: str | None = None
    ) -> Member:
        """Add a member."""
        compiled = re.compile(pattern) if pattern else None
        member = Member(topics=tuple(topics), pattern=compiled, client_id=client_id, instance_id=instance_id)
        self.members.append(member)
        self.type = "consumer"
        return member

    def leave(self, member: Member) -> None:
        """Remove a member; what it owned is free."""
        member.owned.clear()
        if member in self.members:
            self.members.remove(member)

    def forget_missing(self) -> None:
        """Drop committed offsets of partitions that are gone, as the coordinator does."""
        self.committed = {p: offset for p, offset in self.committed.items() if self._log.exists(p)}

    def target(self) -> dict[TopicPartition, Member]:
        """Who shall own which partition now."""
        present = [member for member in self.members if not member.lost]
        wanted = [
            TopicPartition(name, number)
            for name, topic in sorted(self._log.topics.items())
            if any(member.wants(name) for member in present)
            for number in range(len(topic.partitions))
        ]
        if not present or not wanted:
            return {}
        share = math.ceil(len(wanted) / len(present))
        load = dict.fromkeys(present, 0)
        chosen: dict[TopicPartition, Member] = {}
        for partition in wanted:
            owner = next((m for m in present if partition in m.owned and m.wants(partition.topic)), None)
            if owner is not None and load[owner] < share:
                chosen[partition] = owner
                load[owner] += 1
        for partition in wanted:
            if partition not in chosen:
                owner = min((m for m in present if m.wants(partition.topic)), key=lambda m: load[m])
                chosen[partition] = owner
                load[owner] += 1
        return chosen

    def changes(self, member: Member) -> tuple[set[TopicPartition], set[TopicPartition]]:
        """What this member must give up, and what it may take because nobody owns it any more."""
        target = self.target()
        mine = {partition for partition, owner in target.items() if owner is member}
        held = {partition for other in self.members if other is not member for partition in other.owned}
        return member.owned - mine, mine - member.owned - held
