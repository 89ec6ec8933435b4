"""What a poller keeps of topics: how long they keep records, and the tracks of their ends."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from reliability.kafka import ports
from reliability.kernel.record import TopicPartition
from reliability.kernel.text import printable
from reliability.lag.operations.group_rows import TEXT_CHARS_MAX
from reliability.lag.operations.recording import TopicState
from reliability.lag.polling.reading import Look
from reliability.lag.polling.remembering import Memory, pack_tracks

RETENTION_FRESH_S = 300.0
"""How old a known retention may be: somebody who shortens it sees the forecast follow within five minutes."""

WRITTEN_FRESH_S = 300.0
"""How old what is written of a topic's tracks may be: a poller that takes over misses so much of a flat line."""


class Retentions:
    """Asks for the retention of topics that are new or whose answer is old."""

    def __init__(self, admin: ports.GroupAdmin) -> None:
        self._admin = admin
        self._asked_s: dict[str, float] = {}
        self._offsets_asked_s = float("-inf")

    def refresh(self, memory: Memory, look: Look, *, now_s: float) -> None:
        """Fill ``memory.retention`` for the topics of a look, and for how long commits of empty groups are kept."""
        if now_s - self._offsets_asked_s >= RETENTION_FRESH_S:
            memory.offsets_kept_s = self._admin.offsets_kept_s()
            self._offsets_asked_s = now_s
        topics = {place.topic for place in look.stable}
        old = [topic for topic in topics if now_s - self._asked_s.get(topic, float("-inf")) >= RETENTION_FRESH_S]
        if not old:
            return
        memory.retention.update(self._admin.retention(old))
        self._asked_s = {topic: now_s if topic in old else self._asked_s[topic] for topic in topics}
        memory.retention = {topic: found for topic, found in memory.retention.items() if topic in topics}


class Topics:
    """What was last written of each topic: one that stands still is only touched."""

    def __init__(self) -> None:
        self._written: dict[str, tuple[object, float]] = {}

    def states(self, memory: Memory, look: Look, *, now: datetime, now_s: float) -> tuple[list[TopicState], list[str]]:
        """Return the topics that a group follows, with all their partitions, to be written down, and the names of those
        that are as they were. Even these are written each ``WRITTEN_FRESH_S``, for their tracks grow."""
        followed = {place.topic for place in look.stable} | {place.topic for place in memory.followed()}
        by_topic: dict[str, list[int]] = defaultdict(list)
        for place in look.layout:
            if place.topic in followed:
                by_topic[place.topic].append(place.partition)
        new: list[TopicState] = []
        same: list[str] = []
        written: dict[str, tuple[object, float]] = {}
        for topic, partitions in sorted(by_topic.items()):
            rows = [_row(look, TopicPartition(topic, each)) for each in sorted(partitions)]
            facts = (rows, memory.retention.get(topic))
            before, at_s = self._written.get(topic, (None, float("-inf")))
            if before == facts and now_s - at_s < WRITTEN_FRESH_S:
                same.append(topic)
                written[topic] = (before, at_s)
            else:
                new.append(_state(memory, topic, rows, now))
                written[topic] = (facts, now_s)
        self._written = written
        return new, same

    def forget(self) -> None:
        """Take nothing for written: it may not have been, or somebody else wrote."""
        self._written = {}


def _state(memory: Memory, topic: str, rows: list[list[object]], now: datetime) -> TopicState:
    kept = memory.retention.get(topic)
    known = kept if isinstance(kept, ports.Retention) else None
    places = [TopicPartition(topic, int(str(row[0]))) for row in rows]
    tracks = {place.partition: memory.tracks[place] for place in places if place in memory.tracks}
    return TopicState(
        name=topic,
        rows=rows,
        retention_ms=known.ms if known else None,
        retention_bytes=known.bytes if known else None,
        deletes=known.deletes if known else None,
        compacts=known.compacts if known else None,
        tracks=pack_tracks(tracks),
        polled_at=now,
    )


def _row(look: Look, place: TopicPartition) -> list[object]:
    """Partition, leader, start, end, stable end, problem."""
    found = [look.starts.get(place), look.ends.get(place), look.stable.get(place)]
    problem = next((each.message for each in found if isinstance(each, ports.Problem)), "")
    leader = look.layout.get(place, -1)
    if leader < 0:
        problem = problem or "the partition has no leader"
    numbers = [each if isinstance(each, int) else None for each in found]
    return [place.partition, leader, *numbers, printable(problem, limit=TEXT_CHARS_MAX)]
