"""Writes down what a poll concluded, in one transaction, for as long as the poller holds its lease."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from reliability import live
from reliability.kernel.text import printable
from reliability.lag.domain import verdict
from reliability.lag.domain.alerting import Phase
from reliability.lag.domain.summary import Summary
from reliability.lag.models import Alert, Cluster, Event, Group, Topic
from reliability.locks import operations as locks

BATCH = 200  # rows of one statement: a row of a large group is tens of kilobytes
EVENTS_KEPT = timedelta(days=14)
GONE_KEPT = timedelta(days=7)
"""A group that is gone stays to be looked at for so long; then its row goes, and its name with it."""
TEXT_CHARS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupState:
    """A group to be written: its summary and what only the poller knows."""

    summary: Summary
    word_since: datetime
    first_seen: datetime
    polled_at: datetime
    window: bytes | None = None
    """None: as it was; it is large, and written once a minute."""
    gone_at: datetime | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertState:
    """A rule on a group whose state is another one now."""

    group: str
    kind: str
    phase: str
    since: datetime
    told: bool
    text: str


_FIELDS = [
    "state", "protocol", "type", "assignor", "coordinator", "word", "word_since", "reason", "severity", "lag", "weight",
    "lag_s", "lag_s_at_least", "trend", "eta_s", "loss_s", "lost", "expires_at", "partitions", "untold", "topics",
    "per_topic", "members", "rows", "facts", "empty_since", "polled_at", "gone_at",
]  # fmt: skip
_ALERT_FIELDS = ["phase", "since", "told"]
_TOPIC_FIELDS = [
    "partitions", "retention_ms", "retention_bytes", "deletes", "compacts", "tracks", "rows", "polled_at",
]  # fmt: skip


def record(
    *,
    lease: locks.Lease,
    cluster: str,
    groups: Sequence[GroupState],
    topics: Sequence[TopicState] = (),
    happened: Sequence[Happened] = (),
    alerts: Sequence[AlertState] = (),
) -> dict[str, int]:
    """Write groups, topics, alerts and what happened; return the ids of the groups by name. Raises ``LeaseLost``."""
    with transaction.atomic():
        locks.hold(lease=lease)
        ids = {
            **_write(cluster, [each for each in groups if each.window is None], _FIELDS),
            **_write(cluster, [each for each in groups if each.window is not None], [*_FIELDS, "window"]),
        }
        Topic.objects.bulk_create(
            [_topic(cluster, each) for each in topics],
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=["cluster", "name"],
            update_fields=_TOPIC_FIELDS,
        )
        Event.objects.bulk_create([_event(each, ids[each.group]) for each in happened if each.group in ids])
        _write_alerts([each for each in alerts if each.group in ids], ids)
    if groups:
        live.changed("lag")
    return ids


def keep_windows(*, lease: locks.Lease, windows: Mapping[int, bytes]) -> None:
    """Write the samples of groups by id, for the poller that follows. Raises ``LeaseLost``."""
    with transaction.atomic():
        locks.hold(lease=lease)
        rows = [Group(pk=group_id, window=packed) for group_id, packed in windows.items()]
        Group.objects.bulk_update(rows, ["window"], batch_size=BATCH)


def record_poll(*, cluster: str, now: datetime, took_s: float, partitions: int, facts: Mapping[str, object]) -> None:
    """Note that the cluster was looked at, and how it went."""
    found = Group.objects.filter(cluster=cluster, gone_at=None)
    Cluster.objects.update_or_create(
        name=cluster,
        defaults={
            "polled_at": now,
            "took_s": took_s,
            "error": "",
            "error_since": None,
            "groups": found.count(),
            "partitions": partitions,
            "facts": dict(facts),
        },
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
    Cluster.objects.get_or_create(name=cluster)


def forget_old(*, now: datetime) -> None:
    """Delete old events, and groups that have been gone for long."""
    Event.objects.filter(at__lt=now - EVENTS_KEPT).delete()
    Group.objects.filter(gone_at__lt=now - GONE_KEPT).delete()


def _write(cluster: str, groups: Iterable[GroupState], fields: list[str]) -> dict[str, int]:
    rows = [_group(cluster, each) for each in groups]
    Group.objects.bulk_create(
        rows, batch_size=BATCH, update_conflicts=True, unique_fields=["cluster", "name"], update_fields=fields
    )
    return {row.name: row.pk for row in rows}


def _group(cluster: str, state: GroupState) -> Group:
    found, at = state.summary, state.polled_at
    expires_at = at + timedelta(seconds=found.expires_in_s) if found.expires_in_s is not None else None
    empty_since = at - timedelta(seconds=found.empty_since_s) if found.empty_since_s is not None else None
    return Group(
        cluster_id=cluster,
        name=found.name,
        state=found.state[:40],
        protocol=found.protocol,
        type=printable(found.type, limit=TEXT_CHARS_MAX),
        assignor=printable(found.assignor, limit=TEXT_CHARS_MAX),
        coordinator=found.coordinator,
        word=found.word.value,
        word_since=state.word_since,
        reason=printable(found.reason, limit=TEXT_CHARS_MAX),
        severity=verdict.SEVERITY[found.word],
        lag=found.lag,
        weight=found.lag or 0,
        lag_s=found.lag_s,
        lag_s_at_least=found.at_least,
        trend=found.trend,
        eta_s=found.eta_s,
        loss_s=found.loss_s,
        lost=found.lost,
        expires_at=expires_at,
        partitions=len(found.rows),
        untold=found.untold,
        topics=sorted(found.per_topic),
        per_topic={topic: list(each) for topic, each in found.per_topic.items()},
        members=[
            [printable(part, limit=TEXT_CHARS_MAX) if isinstance(part, str) else part for part in member]
            for member in found.members
        ],
        rows=[list(row) for row in found.rows],
        facts=found.facts,
        window=state.window or b"",
        empty_since=empty_since,
        first_seen=state.first_seen,
        polled_at=at,
        gone_at=state.gone_at,
    )


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
        facts=dict(each.facts),
    )
