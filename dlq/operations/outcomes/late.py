"""What comes late: a letter after an item had passed, a proof after it became unknown, the heir of a failure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import QuerySet

from dlq.domain.item import UNSETTLED, ItemState
from dlq.models import ReplayItem
from dlq.models.letters import FREE, State
from dlq.operations import items, standing
from dlq.operations.outcomes import evidence
from dlq.operations.outcomes.alone import alone
from dlq.operations.outcomes.watching import View, judge, pages

WATCHED_FOR = timedelta(days=7)
"""How long after it was settled an item may still change."""


def settle_late(*, now: datetime, within: timedelta = WATCHED_FOR) -> int:
    """Judge what passed or became unknown lately, link failures to letters that came after; return how many moved.

    ``within``: how long ago it may have been settled. The short look is for often, the long one for now and then.
    """
    settled = 0
    since = now - within
    reversible = ReplayItem.objects.filter(state__in=[ItemState.PASSED, ItemState.UNKNOWN], settled_at__gte=since)
    for group in sorted(set(reversible.order_by().values_list("consumer_group", flat=True).distinct())):
        settled += alone(f"group {group}", partial(_settle_group, reversible, group, now=now)) or 0
    orphans = ReplayItem.objects.filter(
        state=ItemState.FAILED_AGAIN,
        new_letter__isnull=True,
        settled_at__gte=since,
    )
    for page in pages(orphans):
        settled += alone(f"{len(page)} without a new letter", partial(_link, page, now=now)) or 0
    return settled


def _settle_group(reversible: QuerySet[ReplayItem], group: str, *, now: datetime) -> int:
    return sum(judge(page, View(), group, now=now) for page in pages(reversible.filter(consumer_group=group)))


def _link(page: Sequence[ReplayItem], *, now: datetime) -> int:
    """A failure known from the inbox has its letter now: that one carries it on, the old one is resolved."""
    letters = evidence.new_letters([row.pk for row in page])
    by_run: dict[int, list[ReplayItem]] = {}
    for row in page:
        if row.pk in letters:
            by_run.setdefault(row.replay_id, []).append(row)
    for replay_id, rows in sorted(by_run.items()):
        with transaction.atomic():
            run = items.locked(replay_id)
            for row in rows:
                ReplayItem.objects.filter(pk=row.pk).update(new_letter_id=letters[row.pk])
            # The old letter has counted this failure already: the new one takes its count over.
            items.hand_over({row.letter_id: letters[row.pk] for row in rows}, now=now)
            taken = ReplayItem.objects.filter(
                letter_id__in=[row.letter_id for row in rows], state__in=[str(state) for state in UNSETTLED]
            ).values_list("letter_id", flat=True)
            free = {row.letter_id for row in rows} - set(taken)
            standing.stand(free, to=State.RESOLVED, now=now, sources=FREE)
            if run is not None:
                items.tell(run)
    return sum(len(rows) for rows in by_run.values())
