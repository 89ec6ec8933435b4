"""How many partitions topics had when, as far as we saw it: whether a letter can go back to its partition."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from dlq.domain.plan import keeps_partition
from dlq.models import Letter, TopicShape
from reliability.kafka import clusters


@dataclass(frozen=True, slots=True)
class Keeper:
    """The history of some topics: topic -> (since, partitions), oldest first."""

    history: dict[str, list[tuple[datetime, int]]]

    def keeps(self, letter: Letter) -> bool:
        """Whether the letter goes back to the partition it came from."""
        return self.keeps_place(letter.origin_topic, letter.origin_partition, letter.stored_at)

    def keeps_place(self, topic: str, partition: int | None, stored_at: datetime) -> bool:
        """Whether a letter of ``topic`` and ``partition`` that was stored then goes back there."""
        then, now = self._count_at(topic, stored_at)
        return keeps_partition(origin_partition=partition, count_then=then, count_now=now)

    def _count_at(self, topic: str, at: datetime) -> tuple[int | None, int | None]:
        """The count at an instant (the oldest one we know for instants before it) and the newest one."""
        history = self.history.get(topic)
        if not history:
            return None, None
        index = max(0, bisect_right(history, at, key=lambda entry: entry[0]) - 1)
        return history[index][1], history[-1][1]


def keeper(topics: Collection[str], *, cluster: str = clusters.MAIN) -> Keeper:
    """Return what is known of these topics."""
    history: dict[str, list[tuple[datetime, int]]] = {}
    rows = TopicShape.objects.filter(cluster=cluster, topic__in=list(topics)).order_by("since")
    for topic, since, partitions in rows.values_list("topic", "since", "partitions"):
        history.setdefault(topic, []).append((since, partitions))
    return Keeper(history)
