"""The history of lag as charts want it: evenly spaced, with gaps where nobody looked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Max, QuerySet, Sum

from reliability import access
from reliability.kernel import clock
from reliability.lag.models import Minute, TenMinutes

HOUR = 60
STEP_S = {Minute: 60, TenMinutes: 600}
FINE_FOR = timedelta(hours=24)
"""A chart that begins earlier is made of ten-minute rows."""
POINTS_MAX = 2_100  # two weeks of ten minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One group's lag. All lists are as long as ``at`` (Unix seconds); None: nobody looked, or it was not known."""

    step_s: int
    at: Sequence[int]
    lag: Sequence[int | None]
    lag_s: Sequence[float | None]
    consumed: Sequence[int | None]
    produced: Sequence[int | None]


def last_hour(group_ids: Sequence[int], *, allowed: access.VisibleTopics) -> dict[int, list[float | None]]:
    """Return the lag at the end of each of the last 60 minutes that are over, by group."""
    if not group_ids:
        return {}
    end = clock.SYSTEM.now().replace(second=0, microsecond=0)
    begin = end - timedelta(minutes=HOUR)
    rows = _allowed(Minute.objects.filter(group_id__in=group_ids, at__gte=begin, at__lt=end), allowed)
    found: dict[int, list[float | None]] = {each: [None] * HOUR for each in group_ids}
    for group_id, at, lag in (
        rows.values("group_id", "at").annotate(all=Sum("lag")).values_list("group_id", "at", "all")
    ):
        found[group_id][int((at - begin).total_seconds() // 60)] = lag
    return found


def chart(*, group_id: int, since: datetime, until: datetime, allowed: access.VisibleTopics, topic: str = "") -> Chart:
    """Return the history between two instants, of all topics together or of one. Gaps are None."""
    table = Minute if since >= clock.SYSTEM.now() - FINE_FOR else TenMinutes
    step_s = STEP_S[table]
    first = int(since.timestamp()) // step_s * step_s
    last = min(int(until.timestamp()) // step_s * step_s, first + (POINTS_MAX - 1) * step_s)
    at = list(range(first, last + 1, step_s))
    begins, ends = (datetime.fromtimestamp(each, UTC) for each in (first, last + step_s))
    rows = _allowed(table.objects.filter(group_id=group_id, at__gte=begins, at__lt=ends), allowed)
    if topic:
        rows = rows.filter(topic=topic)
    sums = rows.values("at").annotate(
        all=Sum("lag"), slowest=Max("lag_s_max"), went=Sum("consumed"), came=Sum("produced"), n=Count("topic")
    )
    found: dict[int, dict[str, Any]] = {int(row["at"].timestamp()): dict(row) for row in sums}
    picked = [found.get(each, {}) for each in at]
    return Chart(
        step_s=step_s,
        at=at,
        lag=[row.get("all") for row in picked],
        lag_s=[row.get("slowest") for row in picked],
        consumed=[row["went"] if row.get("all") is not None else None for row in picked],
        produced=[row["came"] if row.get("all") is not None else None for row in picked],
    )


def _allowed(rows: QuerySet[Minute] | QuerySet[TenMinutes], allowed: access.VisibleTopics) -> QuerySet[Minute]:
    return rows if allowed.is_everything else rows.filter(allowed.q("topic"))  # type: ignore[return-value]  # same columns
