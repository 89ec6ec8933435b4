"""Which topics a consumer reads and writes, and how long a record waits in which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reliability.kernel import wire
from reliability.kernel.record import Record


@dataclass(frozen=True, slots=True)
class _Tier:
    topic: str
    place: int
    delay_s: int


@dataclass(slots=True)
class TopicPlan:
    """A group's own topics, their retry topics and their dead-letter topics."""

    group: str
    topics: tuple[str, ...]
    retries: tuple[int, ...]
    _tiers: dict[str, _Tier] = field(init=False)

    def __post_init__(self) -> None:
        self._tiers = {
            wire.retry_topic(topic, self.group, delay_s): _Tier(topic, place, delay_s)
            for topic in self.topics
            for place, delay_s in enumerate(self.retries)
        }

    @property
    def consumed(self) -> Sequence[str]:
        """What the group subscribes to."""
        return [*self.topics, *self._tiers]

    def created_for(self, topic: str) -> list[str]:
        """The topics that must exist beside one of the group's own."""
        tiers = [name for name, tier in self._tiers.items() if tier.topic == topic]
        return [*tiers, wire.dlq_topic(topic, self.group)]

    def own_topic(self, topic: str) -> str:
        """The group's own topic that a retry topic belongs to; any other is its own."""
        tier = self._tiers.get(topic)
        return topic if tier is None else tier.topic

    def place(self, topic: str) -> int | None:
        """The place of a retry topic among its siblings, from 0; None for a topic that is none."""
        tier = self._tiers.get(topic)
        return None if tier is None else tier.place

    def due_s(self, record: Record, *, now_ms: int) -> float:
        """How long a record has yet to wait: its topic's delay after it was written, in seconds. A writer's clock
        that runs ahead makes no record wait longer than the delay."""
        tier = self._tiers.get(record.topic)
        if tier is None or record.timestamp_ms is None:
            return 0.0
        return min((record.timestamp_ms - now_ms) / 1000 + tier.delay_s, float(tier.delay_s))
