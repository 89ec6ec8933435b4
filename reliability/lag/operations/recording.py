"""Writes down what a poll concluded, in one transaction, for as long as the poller holds its lease."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from reliability import live
from reliability.kernel.text import printable
from reliability.lag.domain.alerting import Phase
from reliability.lag.models import Alert, Cluster, Event, Group, Reset, Topic, resets
from reliability.lag.operations import group_rows
from reliability.lag.operations.group_rows import TEXT_CHARS_MAX, GroupState
from reliability.locks import operations as locks

TOPICS = "topics"
"""The fact of an event that names the topics of its group at that time."""
BATCH = 200  # rows of one statement: a row of a large group is tens of kilobytes
EVENTS_KEPT = timedelta(days=14)
PREVIEWS_KEPT = timedelta(days=1)
GONE_KEPT = timedelta(days=7)
"""A group that is gone stays to be looked at for so long; then its row goes, and its name with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicState:
    """A topic to be written."""

    name: str
    rows: list[list[object]]
    retention_ms: int | None
    retention_bytes: int | None
    deletes: bool | None
    compacts: bool | None
    tracks: bytes
    polled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """A line for a group's timeline."""

    group: str
    at: datetime
    kind: str
    status: str
    text: str
    facts: Mapping[str, object]
    topics: Sequence[str] = ()
    """Those of the group at that time: who does not see all of them does not see the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertState:
    """A rule on a group whose state is another one now."""

    group: str
    kind: str
    phase: str
    since: datetime
    told: bool
    text: str


_ALERT_FIELDS = ["phase", "since", "told"]
_TOPIC_FIELDS = [
    "partitions", "retention_ms", "retention_bytes", "deletes", "compacts", "tracks", "rows", "polled_at",
]  # fmt: skip


def record(
    *,
    lease: locks.Lease,
    cluster: str,
    now: datetime,
    groups: Sequence[GroupState],
    unchanged: Sequence[int] = (),
    topics: Sequence[TopicState] = (),
    same_topics: Sequence[str] = (),
    happened: Sequence[Happened] = (),
    alerts: Sequence[AlertState] = (),
) -> dict[str, int]:
    """Write groups, topics, alerts and what happened; return the ids of the groups by name. Raises ``LeaseLost``.

    ``unchanged``: ids of groups that were looked at and are as they were; ``same_topics``: names of such topics.
    """
    with transaction.atomic():
        locks.hold(lease=lease)
        ids = group_rows.write(cluster, groups)
        group_rows.touch(unchanged, now=now)
        Topic.objects.bulk_create(
            [_topic(cluster, each) for each in topics],
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=["cluster", "name"],
            update_fields=_TOPIC_FIELDS,
        )
        if same_topics:
            Topic.objects.filter(cluster=cluster, name__in=same_topics).update(polled_at=now)
        Event.objects.bulk_create([_event(each, ids[each.group]) for each in happened if each.group in ids])
        _write_alerts([each for each in alerts if each.group in ids], ids)
        gone = [ids[each.summary.name] for each in groups if each.gone_at is not None]
        Alert.objects.filter(group__in=gone).delete()
    if groups:
        live.changed("lag")
    return ids


def keep_windows(*, lease: locks.Lease, windows: Mapping[int, bytes]) -> None:
    """Write the samples of groups by id, for the poller that follows. Raises ``LeaseLost``."""
    with transaction.atomic():
        locks.hold(lease=lease)
        rows = [Group(pk=group_id, window=packed) for group_id, packed in windows.items()]
        Group.objects.bulk_update(rows, ["window"], batch_size=BATCH)


def record_poll(
    *, cluster: str, now: datetime, took_s: float, groups: int, partitions: int, facts: Mapping[str, object]
) -> None:
    """Note that the cluster was looked at, and how it went. Its row is there since its poller took the lease."""
    Cluster.objects.filter(name=cluster).update(
        polled_at=now,
        took_s=took_s,
        error="",
        error_since=None,
        groups=groups,
        partitions=partitions,
        facts=dict(facts),
    )


def record_failure(*, cluster: str, now: datetime, error: str) -> None:
    """Note that the cluster told nothing; what is known stays, with its age."""
    with transaction.atomic():
        row, _ = Cluster.objects.select_for_update().get_or_create(name=cluster)
        row.error = printable(error, limit=TEXT_CHARS_MAX)
        row.error_since = row.error_since or now
        row.save(update_fields=["error", "error_since"])
    live.changed("lag")


def ensure_cluster(*, cluster: str) -> None:
    """Have a row for the cluster, for those that refer to it."""
    Cluster.objects.update_or_create(name=cluster, defaults={"retired_at": None})


def retire(*, configured: Collection[str], now: datetime) -> None:
    """Show the clusters no more that are configured no more; their groups count as gone."""
    with transaction.atomic():
        names = list(
            Cluster.objects.exclude(name__in=configured).filter(retired_at=None).values_list("name", flat=True)
        )
        Cluster.objects.filter(name__in=names).update(retired_at=now, error="", error_since=None)
        Group.objects.filter(cluster__in=names, gone_at=None).update(gone_at=now)


def forget_old(*, now: datetime) -> None:
    """Delete old events, groups that have been gone for long, and topics that nobody has read for as long."""
    Topic.objects.filter(polled_at__lt=now - GONE_KEPT).delete()
    Event.objects.filter(at__lt=now - EVENTS_KEPT).delete()
    Reset.objects.filter(state=resets.State.PLANNED, planned_at__lt=now - PREVIEWS_KEPT).delete()
    Group.objects.filter(gone_at__lt=now - GONE_KEPT).delete()


def _write_alerts(alerts: Sequence[AlertState], ids: Mapping[str, int]) -> None:
    """Of a quiet or pending rule the time and text of its last alert stay."""
    for is_up, fields in ((True, [*_ALERT_FIELDS, "raised_at", "text"]), (False, _ALERT_FIELDS)):
        rows = [_alert(each, ids[each.group]) for each in alerts if (each.phase == Phase.RAISED) is is_up]
        Alert.objects.bulk_create(rows, update_conflicts=True, unique_fields=["group", "kind"], update_fields=fields)


def _alert(each: AlertState, group_id: int) -> Alert:
    return Alert(
        group_id=group_id,
        kind=each.kind,
        phase=each.phase,
        since=each.since,
        told=each.told,
        raised_at=each.since if each.phase == Phase.RAISED else None,
        text=printable(each.text, limit=TEXT_CHARS_MAX),
    )


def _topic(cluster: str, state: TopicState) -> Topic:
    return Topic(
        cluster_id=cluster,
        name=state.name,
        partitions=len(state.rows),
        retention_ms=state.retention_ms,
        retention_bytes=state.retention_bytes,
        deletes=state.deletes,
        compacts=state.compacts,
        tracks=state.tracks,
        rows=state.rows,
        polled_at=state.polled_at,
    )


def _event(each: Happened, group_id: int) -> Event:
    return Event(
        group_id=group_id,
        at=each.at,
        kind=each.kind,
        status=each.status,
        text=printable(each.text, limit=TEXT_CHARS_MAX),
        facts={**each.facts, TOPICS: list(each.topics)},
    )
