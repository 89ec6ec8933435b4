"""What is settled goes after a time, in small steps; what nobody has dealt with never goes by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from dlq.models import GroupMinute, Letter, LetterGroup
from dlq.models.letters import State

KEPT_DAYS = 30
MINUTES_KEPT = timedelta(days=7)
STEP = 500  # rows of one transaction: it holds locks, and bodies may be large
STEPS_MAX = 40  # of one sweep; the rest is the next one's


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How many rows went."""

    letters: int
    groups: int
    minutes: int


def kept_days() -> int:
    """For how many days a resolved or discarded letter is kept (``DLQ_RETENTION_DAYS``)."""
    return int(getattr(settings, "DLQ_RETENTION_DAYS", KEPT_DAYS))


def sweep(*, now: datetime) -> Swept:
    """Remove letters resolved or discarded longer ago than they are kept, then groups without a letter."""
    before = now - timedelta(days=kept_days())
    letters = 0
    for _ in range(STEPS_MAX):
        removed = _remove_letters(before)
        letters += removed
        if removed < STEP:
            break
    minutes, _ = GroupMinute.objects.filter(minute__lt=now - MINUTES_KEPT).delete()
    return Swept(letters=letters, groups=_remove_groups(before), minutes=minutes)


@transaction.atomic
def _remove_letters(before: datetime) -> int:
    """Remove one step of leading letters, with the duplicates that follow them and what was noted of their replays."""
    settled = Letter.objects.filter(
        closed_at__lt=before, state__in=[State.RESOLVED, State.DISCARDED], duplicate_of__isnull=True
    )
    step = settled.select_for_update(skip_locked=True).order_by("closed_at").values_list("id", flat=True)[:STEP]
    ids = list(step)
    Letter.objects.filter(id__in=ids).delete()
    return len(ids)


@transaction.atomic
def _remove_groups(before: datetime) -> int:
    """Remove groups without a letter; locked first, so that no writer is just putting one into them."""
    letters = Letter.objects.filter(group=OuterRef("pk"))
    empty = LetterGroup.objects.filter(~Exists(letters), last_seen__lt=before, open_count=0, replaying_count=0)
    ids = list(empty.order_by("id").values_list("id", flat=True)[:STEP])
    locked = LetterGroup.objects.select_for_update(skip_locked=True).filter(id__in=ids).values_list("id", flat=True)
    removed, _ = LetterGroup.objects.filter(~Exists(letters), id__in=list(locked)).delete()
    return removed
