"""What became of a failure group in which nothing is open any more."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from dlq.models import Discard, DiscardedLetter, Letter, Replay, ReplayItem
from dlq.models.letters import State
from dlq.queries import letters, limits, replays
from reliability import access

LOOKED_AT_MAX = 1_000  # the newest letters of the group, by which its last run and discard are found


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Letters of the group that the actor may see, by how they ended; None: they are too many to be counted in time.

    ``run`` and ``discard`` are the last ones that concerned the group and that the actor may see.
    """

    resolved: int | None
    discarded: int | None
    run: Replay | None
    discard: Discard | None


def of_group(group_id: int, *, actor: access.Actor) -> Ending:
    """Return how a group ended."""
    seen = letters.visible(actor).filter(group_id=group_id, duplicate_of__isnull=True)
    resolved, discarded = _counted(seen)
    newest = seen.order_by("-pk").values_list("pk", flat=True)[:LOOKED_AT_MAX]
    return Ending(
        resolved=resolved,
        discarded=discarded,
        run=_last_run(group_id, newest, actor=actor),
        discard=_last_discard(newest, actor=actor),
    )


def _counted(seen: QuerySet[Letter]) -> tuple[int | None, int | None]:
    try:
        with limits.at_most(limits.COUNT_S):
            counted = seen.aggregate(
                resolved=Count("pk", filter=Q(state=State.RESOLVED)),
                discarded=Count("pk", filter=Q(state=State.DISCARDED)),
            )
    except limits.TooSlow:
        return None, None
    return counted["resolved"], counted["discarded"]


def _last_run(group_id: int, newest: QuerySet[Letter, int], *, actor: access.Actor) -> Replay | None:
    """By the items of its newest letters, or by a run's scope, whichever is later."""
    of_letters = ReplayItem.objects.filter(letter_id__in=newest).order_by("-replay_id").values("replay_id")[:1]
    run = Replay.objects.filter(Q(pk__in=of_letters) | Q(scope__group=group_id)).order_by("-pk").first()
    return run if run is not None and replays.may_see(run.topics, actor=actor) else None


def _last_discard(newest: QuerySet[Letter, int], *, actor: access.Actor) -> Discard | None:
    last = DiscardedLetter.objects.filter(letter_id__in=newest, discard__undone_at__isnull=True)
    row = last.order_by("-discard_id").select_related("discard").first()
    return row.discard if row is not None and replays.may_see(row.discard.topics, actor=actor) else None
