"""Whether a failure goes on: its letters of the last minute, as far as somebody may see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dlq.domain import trend
from dlq.queries import letters
from reliability import access

RECENT = timedelta(minutes=1)
GROUPS_MAX = 10  # failures that are looked at, those with most letters of a plan
LETTERS_MAX = 1_000  # letters of each that are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """New letters within ``RECENT``, and when the newest letter of all was stored, None without one.

    ``capped``: there may be more than ``count``.
    """

    count: int
    newest_at: datetime | None
    capped: bool = False


def lately(group_id: int, *, points: Sequence[float], actor: access.Actor, now: datetime) -> str:
    """Say how many letters of a failure arrived in the last minutes: "26 arrived in the last 5 min".

    ``points``: its letters per minute of the clock, the newest last. They bound how many of its newest letters have to
    be looked at for the true count: none for a failure that is quiet.
    """
    window = timedelta(minutes=trend.RECENT_MINUTES)
    most = int(sum(points[-trend.RECENT_MINUTES - 1 :]))  # the window begins within the first of these minutes
    if most > LETTERS_MAX:
        count = f"about {sum(points[-trend.RECENT_MINUTES :]):,.0f}"
    else:
        seen = letters.visible(actor).filter(group_id=group_id, duplicate_of__isnull=True).order_by("-id")
        times = seen.values_list("stored_at", flat=True)[:most]
        count = f"{sum(stored_at > now - window for stored_at in times):,}"
    return f"{count} arrived in the last {trend.RECENT_MINUTES} min"


def of_groups(group_ids: Sequence[int], *, actor: access.Actor, now: datetime) -> Recent:
    """Return what came of these failures lately. Duplicates are the same failure told twice and do not count."""
    seen = letters.visible(actor).filter(duplicate_of__isnull=True).order_by("-id")
    found: list[datetime] = []
    capped = len(group_ids) > GROUPS_MAX
    for group_id in group_ids[:GROUPS_MAX]:
        newest = list(seen.filter(group_id=group_id).values_list("stored_at", flat=True)[:LETTERS_MAX])
        found += newest
        capped = capped or (len(newest) == LETTERS_MAX and newest[-1] > now - RECENT)
    recent = sum(stored_at > now - RECENT for stored_at in found)
    return Recent(count=recent, newest_at=max(found, default=None), capped=capped and recent > 0)
