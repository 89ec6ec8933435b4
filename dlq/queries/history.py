"""The history of a letter: the replays of its failure, as far as whoever asks could open them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dlq.models import Letter, ReplayItem
from dlq.queries import replays
from reliability import access

CHAIN_MAX = 50
"""Letters of one chain that are looked at: the loop guard ends chains long before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One replay of a failure in the history of a letter, whichever letter of its chain it concerned.

    ``new_letter`` is the one it became, None also when that may not be seen.
    """

    replay_id: int
    item: ReplayItem
    at: datetime
    of_letter: int
    new_letter: int | None


def of_letter(letter_id: int, *, actor: access.Actor) -> list[Attempt]:
    """Return the attempts that led to a letter and those made with it and its successors, oldest first.

    Runs and letters that the actor may not see are left out, as if they did not exist.
    """
    items = ReplayItem.objects.filter(letter_id__in=_chain(letter_id)).select_related("replay").order_by("pk")
    rows = [row for row in items if replays.may_see(row.replay.topics, actor=actor)]
    named = {row.letter_id for row in rows} | {row.new_letter_id for row in rows if row.new_letter_id}
    visible = access.visible_topics(actor)
    seen = set(Letter.objects.filter(visible.q("origin_topic"), pk__in=named).values_list("pk", flat=True))
    return [
        Attempt(
            replay_id=row.replay_id,
            item=row,
            at=row.sent_at or row.queued_at or row.replay.created_at,
            of_letter=row.letter_id,
            new_letter=row.new_letter_id if row.new_letter_id in seen else None,
        )
        for row in rows
        if row.letter_id in seen
    ]


def _chain(letter_id: int) -> set[int]:
    """The letters that one failure became, one after the other."""
    chain, waiting = {letter_id}, [letter_id]
    while waiting and len(chain) < CHAIN_MAX:
        at = waiting.pop()
        linked = ReplayItem.objects.filter(new_letter=at).values_list("letter_id", flat=True)
        successors = ReplayItem.objects.filter(letter=at, new_letter__isnull=False).values_list(
            "new_letter_id", flat=True
        )
        found = {*linked, *successors} - chain
        chain |= found
        waiting += found
    return chain
