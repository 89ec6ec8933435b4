"""Which broker leads which partition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from kafka import errors

from reliability.kafka import ports
from reliability.kafka.group_admin import verdicts
from reliability.kafka.group_admin.wire import Wire, metadata_request
from reliability.kernel import clock
from reliability.kernel.record import TopicPartition

FRESH_S = 1.0
"""What was learnt so recently is not asked again, however odd it is."""

_INTERNAL = "__"
_NOBODY = -1


class Places:
    """Learnt whole by ``layout``; a topic of which something is unknown is asked for by itself."""

    def __init__(self, wire: Wire, *, time: clock.Clock = clock.SYSTEM) -> None:
        self._wire = wire
        self._time = time
        self._leaders: dict[str, dict[int, int]] = {}
        self._troubles: dict[str, ports.Problem] = {}
        self._learnt_s: dict[str, float] = {}

    def layout(self, *, until_s: float) -> dict[TopicPartition, int]:
        """Ask for everything; return what is not internal."""
        metadata = self._wire.ask_any(metadata_request(None), until_s=until_s)
        self._leaders, self._troubles, self._learnt_s = {}, {}, {}
        internal = self._learn(metadata)
        return {
            TopicPartition(topic, partition): leader
            for topic, leaders in self._leaders.items()
            if topic not in internal
            for partition, leader in leaders.items()
        }

    def by_leader(
        self, partitions: Iterable[TopicPartition], *, until_s: float
    ) -> tuple[dict[int, list[TopicPartition]], dict[TopicPartition, ports.Problem]]:
        """Return the partitions of each leader, and why the others have none."""
        partitions = list(partitions)
        self._look_up({p.topic for p in partitions if self._leader(p) in (None, _NOBODY)}, until_s=until_s)
        led: dict[int, list[TopicPartition]] = defaultdict(list)
        problems: dict[TopicPartition, ports.Problem] = {}
        for partition in partitions:
            leader = self._leader(partition)
            if leader is not None and leader != _NOBODY:
                led[leader].append(partition)
            else:
                problems[partition] = self._why_not(partition, leader)
        return led, problems

    def renewed(self, topics: Collection[str], *, until_s: float) -> bool:
        """Ask for these topics again, unless that was done a moment ago; whether there was time and an answer."""
        if self._time.monotonic() >= until_s:
            return False
        try:
            self._look_up(topics, until_s=until_s)
        except ports.Unavailable:
            return False
        return True

    def _leader(self, partition: TopicPartition) -> int | None:
        return self._leaders.get(partition.topic, {}).get(partition.partition)

    def _look_up(self, topics: Collection[str], *, until_s: float) -> None:
        now_s = self._time.monotonic()
        old = sorted(topic for topic in topics if now_s - self._learnt_s.get(topic, -FRESH_S) >= FRESH_S)
        if old:
            self._learn(self._wire.ask_any(metadata_request(old), until_s=until_s))

    def _learn(self, metadata: Any) -> set[str]:
        """Take in an answer; return the internal topics in it."""
        now_s = self._time.monotonic()
        internal = set()
        for topic in metadata.topics:
            self._learnt_s[topic.name] = now_s
            self._leaders[topic.name] = {
                partition.partition_index: partition.leader_id for partition in topic.partitions
            }
            if topic.error_code:
                self._troubles[topic.name] = verdicts.problem(topic.error_code, f"topic {topic.name}")
            else:
                self._troubles.pop(topic.name, None)
            if topic.is_internal or topic.name.startswith(_INTERNAL):
                internal.add(topic.name)
        self._wire.learn(metadata)
        return internal

    def _why_not(self, partition: TopicPartition, leader: int | None) -> ports.Problem:
        trouble = self._troubles.get(partition.topic)
        what = f"partition {partition.partition} of topic {partition.topic}"
        if trouble is not None and leader is None:
            return trouble
        if leader == _NOBODY:
            return verdicts.problem(errors.LeaderNotAvailableError.errno, what)
        return verdicts.problem(errors.UnknownTopicOrPartitionError.errno, what)
