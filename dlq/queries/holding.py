"""Which runs hold letters: those of a plan that others claimed first, and those of a failure that waits for its run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count

from dlq.domain.item import CLAIMING
from dlq.models import Replay, ReplayItem, ReplayPlan
from dlq.models.letters import FREE, State
from dlq.queries import replays
from reliability import access

_CLAIMING = sorted(str(state) for state in CLAIMING)
HOLDERS_MAX = 5
"""Runs that are named one by one; a letter has one run at a time, but a plan may have letters of many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A run and how many of the letters it holds."""

    run: Replay
    letters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a plan's letters are now: ``free`` ones can be sent, others are held by runs or done with."""

    free: int
    holders: Sequence[Holder]


_FREE = """
SELECT count(*) FROM dlq_letter
WHERE id = ANY((SELECT letter_ids FROM dlq_replayplan WHERE id = %(plan)s)::bigint[])
  AND state = ANY(%(free)s) AND duplicate_of_id IS NULL
"""
_HOLDERS = """
SELECT replay_id, count(*) FROM dlq_replayitem
WHERE letter_id = ANY((SELECT letter_ids FROM dlq_replayplan WHERE id = %(plan)s)::bigint[])
  AND state = ANY(%(claiming)s)
GROUP BY replay_id ORDER BY count(*) DESC, replay_id LIMIT %(most)s
"""


def free_states(plan: ReplayPlan) -> tuple[State, ...]:
    """Return the states from which a plan may take a letter."""
    return FREE if "quarantined" in plan.include else (State.OPEN,)


def of_plan(plan: ReplayPlan, *, actor: access.Actor) -> Standing:
    """Return how many letters of a plan are free now, and the runs that hold others, as far as the actor may see."""
    values: dict[str, Any] = {"plan": plan.pk, "claiming": _CLAIMING, "most": HOLDERS_MAX}
    values["free"] = list(free_states(plan))
    with connection.cursor() as cursor:
        cursor.execute(_FREE, values)
        free: int = cursor.fetchone()[0]
        if free == plan.total:
            return Standing(free=free, holders=())
        cursor.execute(_HOLDERS, values)
        counted = dict(cursor.fetchall())
    return Standing(free=free, holders=_holders(counted, actor=actor))


def of_group(group_id: int, *, actor: access.Actor) -> list[Holder]:
    """Return the runs in which letters of a failure wait or are on their way, as far as the actor may see."""
    items = ReplayItem.objects.filter(letter__group_id=group_id, letter__state=State.REPLAYING, state__in=_CLAIMING)
    counted = items.order_by().values("replay_id").annotate(letters=Count("pk")).order_by("-letters", "replay_id")
    found = counted.values_list("replay_id", "letters")[:HOLDERS_MAX]
    return _holders(dict(found), actor=actor)


def _holders(counted: dict[int, int], *, actor: access.Actor) -> list[Holder]:
    runs = Replay.objects.defer("scope").in_bulk(list(counted))
    return [
        Holder(run=runs[each], letters=letters)
        for each, letters in counted.items()
        if each in runs and replays.may_see(runs[each].topics, actor=actor)
    ]
