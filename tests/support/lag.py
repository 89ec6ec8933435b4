"""Consumer groups, topics and their history as rows, as a poller would have written them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from reliability.kernel import clock
from reliability.lag.domain import summary, verdict
from reliability.lag.domain.summary import MemberRow, PartitionRow
from reliability.lag.domain.values import Word
from reliability.lag.models import Cluster, Event, Group, Topic
from reliability.lag.operations import upkeep
from reliability.live.models import Heartbeat

CLUSTER = "main"
_STATES = {Word.EMPTY: "Empty", Word.DEAD: "Dead"}


def cluster(name: str = CLUSTER, *, now: datetime | None = None, **fields: Any) -> Cluster:
    """A cluster that was polled just now."""
    defaults = {"polled_at": now or clock.SYSTEM.now(), "took_s": 0.31, "groups": 1, "partitions": 3, **fields}
    return Cluster.objects.update_or_create(name=name, defaults=defaults)[0]


def poller() -> None:
    """A heartbeat of the process that polls."""
    now = clock.SYSTEM.now()
    Heartbeat.objects.create(name="lag", host="test", pid=1, state="ok", facts={}, at=now, started_at=now)


def part(
    topic: str = "orders", partition: int = 0, *, word: Word = Word.OK, lag: int | None = 0, **fields: Any
) -> PartitionRow:
    """A partition; it ends at offset 1,000 and its commit follows from the lag."""
    end = 1_000 if lag is None or lag <= 1_000 else lag
    given: dict[str, Any] = {
        "reason": "all is read" if not lag else f"no commit for 50 s or longer while {lag:,} records wait",
        "committed": None if lag is None else end - lag,
        "start": 0,
        "end": end,
        "stable": end,
        "lag_s": None if lag is None else (0.0 if not lag else 720.0),
        "at_least": False,
        "lost": 0,
        "owner": 0,
        "leader": 1,
        **fields,
    }
    return PartitionRow(topic=topic, partition=partition, word=word.value, lag=lag, **given)


def member(
    number: int = 0, *, owns: int = 1, lag: int | None = 0, moving: int = 0, instance: str | None = None
) -> MemberRow:
    """A member."""
    return MemberRow(
        id=f"worker-{number}-0f3c{number:04x}",
        client_id=f"worker-{number}",
        host=f"/10.0.0.{number + 1}",
        instance_id=instance,
        owns=owns,
        lag=lag,
        moving=moving,
    )


def group(
    name: str = "payments-worker",
    parts: Sequence[PartitionRow] = (),
    *,
    cluster_name: str = CLUSTER,
    members: Sequence[MemberRow] = (),
    now: datetime | None = None,
    **fields: Any,
) -> Group:
    """A group of these partitions; its sums and word follow from them, as they do in the poller."""
    now = now or clock.SYSTEM.now()
    if not Cluster.objects.filter(name=cluster_name).exists():
        cluster(cluster_name, now=now)
    rows = list(parts) or [part()]
    per_topic = summary.sums(rows, verdict.SEVERITY)
    word = max((Word(each.word) for each in rows), key=verdict.SEVERITY.__getitem__)
    known = [each.lag for each in rows if each.lag is not None]
    slowest = max((each for each in rows if each.lag_s is not None), key=lambda each: each.lag_s or 0, default=None)
    worst = next(each for each in rows if each.word == word)
    given: dict[str, Any] = {
        "state": _STATES.get(word, "Stable"),
        "protocol": "classic",
        "type": "consumer",
        "assignor": "range",
        "coordinator": 1,
        "word": word.value,
        "word_since": now - timedelta(minutes=6),
        "reason": "every partition keeps up" if word is Word.OK else f"{worst.topic} {worst.partition}: {worst.reason}",
        "lag": sum(known) if known else None,
        "lag_s": slowest.lag_s if slowest else None,
        "lag_s_at_least": slowest.at_least if slowest else False,
        "lost": sum(each.lost for each in rows),
        "partitions": len(rows),
        "untold": sum(each.untold for each in per_topic.values()),
        "first_seen": now - timedelta(days=3),
        "polled_at": now,
        **fields,
    }
    given.setdefault("severity", verdict.SEVERITY[Word(given["word"])])
    given.setdefault("weight", given["lag"] or 0)
    return Group.objects.create(
        cluster_id=cluster_name,
        name=name,
        topics=sorted(per_topic),
        per_topic={topic: list(each) for topic, each in per_topic.items()},
        rows=[list(each) for each in rows],
        members=[list(each) for each in members],
        **given,
    )


def topic(name: str = "orders", *, partitions: int = 3, cluster_name: str = CLUSTER, **fields: Any) -> Topic:
    """A topic that is kept for a week."""
    if not Cluster.objects.filter(name=cluster_name).exists():
        cluster(cluster_name)
    given: dict[str, Any] = {
        "partitions": partitions,
        "retention_ms": 7 * 86_400_000,
        "retention_bytes": -1,
        "deletes": True,
        "compacts": False,
        "rows": [[number, 1, 0, 1_000, 1_000, ""] for number in range(partitions)],
        "polled_at": clock.SYSTEM.now(),
        **fields,
    }
    return Topic.objects.create(cluster_id=cluster_name, name=name, **given)


def event(of: Group, text: str, *, minutes_ago: float = 5, kind: str = "verdict", status: str = "crit") -> Event:
    """A line of a group's timeline."""
    at = clock.SYSTEM.now() - timedelta(minutes=minutes_ago)
    return Event.objects.create(group=of, at=at, kind=kind, status=status, text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen in one minute."""

    lag: int | None
    lag_s: float | None = None
    """A float, never a whole number: a column is of one type."""
    consumed: int = 600
    produced: int = 600


_WRITE = """
INSERT INTO {table} (group_id, topic, at, lag, lag_max, lag_s_max, consumed, produced, severity, looks)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::float8[],
                     %s::bigint[], %s::bigint[], %s::smallint[], %s::int[])
"""


READ_WITHIN_S = 4.0


def minutes(of: Group, seen: Mapping[int, Seen], *, topic_name: str = "orders", now: datetime | None = None) -> None:
    """Write minutes: how many ago, and what was seen then; 1 is the last one that is over."""
    _write("reliability_lag_minute", 60, of, seen, topic_name, now or _early_in_a_minute())


def ten_minutes(
    of: Group, seen: Mapping[int, Seen], *, topic_name: str = "orders", now: datetime | None = None
) -> None:
    """Write stretches of ten minutes: how many ago, and what was seen then."""
    _write("reliability_lag_ten_minutes", 600, of, seen, topic_name, now or _early_in_a_minute())


def _early_in_a_minute() -> datetime:
    """The present instant, once it is not the end of a minute: what is read next must be of the same one."""
    left_s = 60 - clock.SYSTEM.now().timestamp() % 60
    if left_s < READ_WITHIN_S:
        clock.SYSTEM.sleep(left_s)
    return clock.SYSTEM.now()


def _write(table: str, step_s: int, of: Group, seen: Mapping[int, Seen], topic_name: str, now: datetime) -> None:
    oldest_h = max(seen) * step_s // 3_600 + 1
    for hours in range(oldest_h, -1, -6):
        upkeep.keep_up(now=now - timedelta(hours=hours))
    upkeep.keep_up(now=now)
    begin = int(now.timestamp()) // step_s * step_s
    rows = [
        (of.pk, topic_name, clock_at(begin - steps * step_s, now), each.lag, each.lag, each.lag_s, each.consumed,
         each.produced, of.severity, 12)
        for steps, each in seen.items()
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_WRITE.format(table=table), [list(column) for column in zip(*rows, strict=True)])


def clock_at(unix_s: int, like: datetime) -> datetime:
    """An instant in the zone of another."""
    return datetime.fromtimestamp(unix_s, like.tzinfo)
