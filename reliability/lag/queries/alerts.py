"""What somebody is told about groups now, and about which of them nobody is told for a while."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from reliability.lag.domain.alerting import Kind, Phase
from reliability.lag.models import Alert, Mute

_UP = (Phase.RAISED.value, Phase.CLEARING.value)
RAISED_MAX = 50


def muted(group_ids: Collection[int], *, now: datetime) -> dict[int, Mute]:
    """Return the mutes that last, by group."""
    return {each.group_id: each for each in Mute.objects.filter(group_id__in=group_ids, until__gt=now)}


def raised(*, without_verdicts: bool = False, group_id: int | None = None, limit: int = RAISED_MAX) -> Sequence[Alert]:
    """Return the alerts that are up, the newest first; those of a verdict say what the word of the group says too."""
    found = Alert.objects.filter(phase__in=_UP, group__gone_at=None)
    if without_verdicts:
        found = found.exclude(kind=Kind.VERDICT.value)
    if group_id is not None:
        found = found.filter(group_id=group_id)
    return list(found.order_by("-raised_at", "-id")[:limit])
