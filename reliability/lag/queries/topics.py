"""A topic that consumer groups read: its partitions and what becomes of its records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from reliability import access
from reliability.kernel.errors import Refused
from reliability.kernel.text import is_storable
from reliability.lag.models import Topic

PAGE, PAGE_MAX = 100, 1_000


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


def page(
    *, actor: access.Actor, cluster: str = "", name: str = "", after: int = 0, limit: int = PAGE
) -> tuple[Sequence[Topic], int | None]:
    """Return topics that the account may see by id, and the id after which the next page begins, None at the end."""
    if not (is_storable(cluster) and is_storable(name)):
        return [], None
    found = Topic.objects.filter(access.visible_topics(actor).q("name"), pk__gt=after)
    if cluster:
        found = found.filter(cluster_id=cluster)
    if name:
        found = found.filter(name=name)
    rows = list(found.only("id", "cluster_id", "name", "polled_at").order_by("pk")[: limit + 1])
    return rows[:limit], rows[limit - 1].pk if len(rows) > limit else None


def ids(*, cluster: str, names: Sequence[str]) -> dict[str, int]:
    """Return the ids of topics by name, for links."""
    return dict(Topic.objects.filter(cluster_id=cluster, name__in=names).values_list("name", "id"))


def _sum(numbers: Sequence[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
