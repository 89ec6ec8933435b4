"""A topic that consumer groups read: its partitions and what becomes of its records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from reliability import access
from reliability.kernel.errors import Refused
from reliability.lag.models import Topic


class NoSuchTopic(Refused):
    """No consumer group reads such a topic, or you may not see it."""

    code = "no-such-topic"
    status = 404


class PartitionOfTopic(NamedTuple):
    """A partition as the poller stores it. None: not known; ``problem`` says why. ``leader`` -1: it has none."""

    partition: int
    leader: int
    start: int | None
    end: int | None
    stable: int | None
    problem: str

    @property
    def records(self) -> int | None:
        """Offsets between start and end: at most so many records are in it."""
        return None if self.start is None or self.end is None else max(0, self.end - self.start)

    @property
    def held(self) -> int | None:
        """Records behind the stable end: of transactions that are open."""
        return None if self.stable is None or self.end is None else max(0, self.end - self.stable)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicRow:
    """A topic as shown."""

    id: int
    cluster: str
    name: str
    partitions: Sequence[PartitionOfTopic]
    retention_ms: int | None
    retention_bytes: int | None
    deletes: bool | None
    compacts: bool | None
    polled_at: datetime

    @property
    def records(self) -> int | None:
        """Records in all partitions at most; None when none is known."""
        return _sum([each.records for each in self.partitions])

    @property
    def held(self) -> int | None:
        """Records of open transactions in all partitions."""
        return _sum([each.held for each in self.partitions])

    @property
    def leaderless(self) -> int:
        """Partitions without a leader."""
        return sum(1 for each in self.partitions if each.leader < 0)


def one(*, actor: access.Actor, topic_id: int) -> TopicRow:
    """Return a topic that the account may see. Raises ``NoSuchTopic``."""
    found = Topic.objects.filter(pk=topic_id).defer("tracks").first()
    if found is None or not access.visible_topics(actor).allows(found.name):
        raise NoSuchTopic
    return TopicRow(
        id=found.pk,
        cluster=found.cluster_id,
        name=found.name,
        partitions=sorted(PartitionOfTopic(*each) for each in found.rows),
        retention_ms=found.retention_ms,
        retention_bytes=found.retention_bytes,
        deletes=found.deletes,
        compacts=found.compacts,
        polled_at=found.polled_at,
    )


def ids(*, cluster: str, names: Sequence[str]) -> dict[str, int]:
    """Return the ids of topics by name, for links."""
    return dict(Topic.objects.filter(cluster_id=cluster, name__in=names).values_list("name", "id"))


def _sum(numbers: Sequence[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
