"""Rounds: has our ingest read all that a group's dead-letter topics held at an instant?"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import structlog

from dlq.domain.outcome import Round
from dlq.models import GroupWatch
from dlq.queries import sources
from reliability.kafka import clusters, ports
from reliability.kernel import wire
from reliability.kernel.record import TopicPartition

log = structlog.get_logger(__name__)

MARKERS_MAX = 16
"""Offsets between what ingest committed and a topic's end that may be nothing but transaction markers."""

_MARKER_LOOK_S = 2.0


def dead_letter_topics(group: str, *, sent_topics: Collection[str], letter_topics: Collection[str]) -> set[str]:
    """Return the names of every dead-letter topic in which a failure of ``group`` may appear; not all need exist."""
    own = {wire.dlq_topic(topic, group) for topic in sent_topics}
    return own | set(letter_topics) | sources.topics_of(group)


def advance(
    group: str, *, admin: ports.Admin, topics: Collection[str], cluster: str, now: datetime, wanted: bool
) -> Round | None:
    """Ask or check a round of ``group``; return the last one that was reached.

    ``wanted``: some item waits for a round that is asked from now on. Raises ``ports.Unavailable``.
    """
    watch, _ = GroupWatch.objects.get_or_create(cluster=cluster, consumer_group=group)
    if watch.asking_at is None and wanted:
        watch.asking_at = now
        watch.ends = [[topic, partition, end] for (topic, partition), end in _ends(admin, topics).items()]
    if watch.asking_at is not None:
        if _reached(admin, cluster, watch):
            watch.asked_at, watch.reached_at, watch.asking_at = watch.asking_at, now, None
        watch.save()
    if watch.asked_at is None or watch.reached_at is None:
        return None
    return Round(asked_at=watch.asked_at, reached_at=watch.reached_at)


def _ends(admin: ports.Admin, topics: Collection[str]) -> dict[TopicPartition, int]:
    counts = admin.topics()
    partitions = [TopicPartition(name, at) for name in sorted(topics) for at in range(counts.get(name, 0))]
    return admin.end_offsets(partitions)


def _reached(admin: ports.Admin, cluster: str, watch: GroupWatch) -> bool:
    ends = {TopicPartition(topic, partition): end for topic, partition, end in watch.ends if end > 0}
    committed = admin.committed(sources.reader_group(), ends.keys())
    behind = {place: end for place, end in ends.items() if (committed.get(place) or 0) < end}
    if not behind:
        return True
    starts = admin.start_offsets(behind.keys())  # records that retention took before we came are read by nobody
    return all(
        starts.get(place, 0) >= end or _only_markers(cluster, place, committed.get(place), end)
        for place, end in behind.items()
    )


def _only_markers(cluster: str, place: TopicPartition, committed: int | None, end: int) -> bool:
    """Whether the last offsets hold no records: a transactional producer leaves a marker that no consumer commits."""
    if committed is None or end - committed > MARKERS_MAX:
        return False
    reader = clusters.reader(cluster, client_id="mainstay-outcomes")
    try:
        return next(iter(reader.read(place, committed, end, deadline_s=_MARKER_LOOK_S)), None) is None
    except ports.Unreadable as error:
        log.warning("outcome_round_unreadable", topic=place.topic, partition=place.partition, reason=str(error))
        return False
    finally:
        reader.close()
