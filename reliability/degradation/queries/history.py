"""What became of flags, and what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from reliability.degradation.domain.policy import Policy
from reliability.degradation.domain.rehearsal import Recorded, Rehearsal, rehearse
from reliability.degradation.models import Change, Sample


def changes(*, flag: str = "", before: int = 0, limit: int = 50) -> list[Change]:
    """Return what happened, of one flag or of all, the newest first; ``before``: the id where a page ended, or 0."""
    rows = Change.objects.order_by("-at", "-id")
    if flag:
        rows = rows.filter(flag=flag)
    last = Change.objects.filter(pk=before).values_list("at", flat=True).first() if before else None
    if last is not None:
        rows = rows.filter(Q(at__lt=last) | Q(at=last, id__lt=before))
    return list(rows[:limit]) if last is not None or not before else []


def recorded(policy: Policy, *, begins: datetime, ends: datetime) -> list[Recorded]:
    """Return what is recorded of a policy's signals within a time."""
    wanted = Q(pk__in=[])
    for signal, subject in policy.keys:
        wanted |= Q(signal=signal, subject=subject)
    rows = Sample.objects.filter(wanted, last__gte=begins, first__lte=ends).order_by("first")
    return [
        Recorded(key=(row.signal, row.subject), value=row.value, first=row.first, last=row.last)
        for row in rows.iterator(chunk_size=2_000)
    ]


def dry_run(policy: Policy, *, begins: datetime, ends: datetime) -> Rehearsal:
    """Return what a policy would have done with what is recorded."""
    return rehearse(policy, recorded(policy, begins=begins, ends=ends), begins=begins, ends=ends)


def series(signal: str, subject: str, *, begins: datetime, ends: datetime) -> Sequence[Sample]:
    """Return one signal's recorded values within a time, in order."""
    rows = Sample.objects.filter(signal=signal, subject=subject, last__gte=begins, first__lte=ends)
    return list(rows.order_by("first"))
