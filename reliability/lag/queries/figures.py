"""Lag for Prometheus, under the names of kafka-lag-exporter where they mean the same.

What is not known has no sample: a dashboard shows a gap then, not a zero. Group and topic figures are of all groups;
those of single partitions are bounded, the groups in most trouble first, and what is left out is a figure too.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from reliability.console.domain.values import Figure
from reliability.kernel import clock
from reliability.kernel.telemetry import names
from reliability.lag.domain.summary import MemberRow, PartitionRow, TopicSum
from reliability.lag.models import Cluster, Group, Topic
from reliability.lag.queries.topics import PartitionOfTopic

PARTITIONS_MAX = 10_000
"""Partitions with series of their own, of groups and of topics each, unless LAG_PARTITION_SERIES_MAX says otherwise."""
CURRENT_FOR = timedelta(minutes=10)
_CHUNK = 100
Row = TypeVar("Row", Group, Topic)
# The highest lag of a partition, without a row of Python for each of them.
_HIGHEST = """
SELECT cluster_id, name, (SELECT max((part ->> 8)::bigint) FROM jsonb_array_elements("rows") AS part)
FROM reliability_lag_group WHERE gone_at IS NULL AND polled_at >= %s
"""


def figures() -> Iterator[Figure]:
    """Everything of all clusters."""
    yield from _of_clusters()
    yield from _of_groups()
    yield from _highest()
    bound = int(getattr(settings, "LAG_PARTITION_SERIES_MAX", PARTITIONS_MAX))
    left_out = yield from _of_partitions(bound)
    left_out += yield from _of_topics(bound)
    yield Figure(metric=names.LAG_PARTITIONS_LEFT_OUT, value=left_out)


def _since() -> datetime:
    """Older figures are not those of now: they are known no more."""
    return clock.SYSTEM.now() - CURRENT_FOR


def _current(rows: QuerySet[Row]) -> QuerySet[Row]:
    return rows.filter(polled_at__gte=_since())


def _of_clusters() -> Iterator[Figure]:
    now = clock.SYSTEM.now()
    for cluster in Cluster.objects.filter(retired_at=None).order_by("name"):
        labels = {"cluster_name": cluster.name}
        known_at = cluster.polled_at or cluster.error_since
        if known_at is not None:
            age_s = max(0.0, (now - known_at).total_seconds())
            yield Figure(metric=names.LAG_POLL_AGE, value=round(age_s, 1), labels=labels)
        is_current = cluster.polled_at is not None and cluster.polled_at >= _since()
        if is_current and cluster.took_s is not None and not cluster.error:
            yield Figure(metric=names.KLE_POLL_TIME_MS, value=round(cluster.took_s * 1000, 1), labels=labels)


def _of_groups() -> Iterator[Figure]:
    listed = _current(Group.objects.filter(gone_at=None)).only(
        "cluster_id", "name", "word", "lag", "lag_s", "eta_s", "loss_s", "per_topic"
    )
    for group in listed.order_by("id").iterator(chunk_size=500):
        labels = {"cluster_name": group.cluster_id, "group": group.name}
        yield Figure(metric=names.LAG_VERDICT, value=1, labels={**labels, "word": group.word})
        if group.lag is not None:
            yield Figure(metric=names.KLE_SUM_LAG, value=group.lag, labels=labels)
        if group.lag_s is not None:
            yield Figure(metric=names.KLE_MAX_LAG_SECONDS, value=group.lag_s, labels=labels)
        if group.eta_s is not None:
            yield Figure(metric=names.LAG_ETA, value=group.eta_s, labels=labels)
        if group.loss_s is not None:
            yield Figure(metric=names.LAG_LOSS, value=group.loss_s, labels=labels)
        for topic, each in group.per_topic.items():
            lag = TopicSum(*each).lag
            if lag is not None:
                yield Figure(metric=names.KLE_TOPIC_SUM_LAG, value=lag, labels={**labels, "topic": topic})


def _highest() -> Iterator[Figure]:
    with connection.cursor() as cursor:
        cursor.execute(_HIGHEST, [_since()])
        for cluster, group, lag in cursor.fetchall():
            if lag is not None:
                labels = {"cluster_name": cluster, "group": group}
                yield Figure(metric=names.KLE_MAX_LAG, value=lag, labels=labels)


def _of_partitions(bound: int) -> Generator[Figure, None, int]:
    """Each partition of each group while there is room for it; returns how many partitions are left out."""
    room, left_out = bound, 0
    worst_first = _current(Group.objects.filter(gone_at=None)).only("cluster_id", "name", "rows", "members")
    for group in worst_first.order_by("-severity", "-weight", "-id").iterator(chunk_size=_CHUNK):
        rows = [PartitionRow(*each) for each in group.rows]
        members = [MemberRow(*each) for each in group.members]
        for row in rows[:room]:
            yield from _of_partition(row, members, {"cluster_name": group.cluster_id, "group": group.name})
        left_out += max(0, len(rows) - room)
        room = max(0, room - len(rows))
    return left_out


def _of_partition(row: PartitionRow, members: Sequence[MemberRow], group: Mapping[str, str]) -> Iterator[Figure]:
    owner = members[row.owner] if 0 <= row.owner < len(members) else None
    labels = {
        **group,
        "topic": row.topic,
        "partition": str(row.partition),
        "member_host": owner.host if owner else "",
        "consumer_id": owner.id if owner else "",
        "client_id": owner.client_id if owner else "",
    }
    if row.lag is not None:
        yield Figure(metric=names.KLE_LAG, value=row.lag, labels=labels)
    if row.lag_s is not None:
        yield Figure(metric=names.KLE_LAG_SECONDS, value=row.lag_s, labels=labels)
    if row.committed is not None:
        yield Figure(metric=names.KLE_OFFSET, value=row.committed, labels=labels)


def _of_topics(bound: int) -> Generator[Figure, None, int]:
    """Start and end of each partition while there is room; returns how many partitions are left out."""
    room, left_out = bound, 0
    for topic in _current(Topic.objects.only("cluster_id", "name", "rows")).order_by("id").iterator(chunk_size=_CHUNK):
        rows = [PartitionOfTopic(*each) for each in topic.rows]
        for row in rows[:room]:
            labels = {"cluster_name": topic.cluster_id, "topic": topic.name, "partition": str(row.partition)}
            if row.end is not None:
                yield Figure(metric=names.KLE_LATEST, value=row.end, labels=labels)
            if row.start is not None:
                yield Figure(metric=names.KLE_EARLIEST, value=row.start, labels=labels)
        left_out += max(0, len(rows) - room)
        room = max(0, room - len(rows))
    return left_out
