"""The letters of one record key, and what was done with them."""

from __future__ import annotations

from collections.abc import Collection

from dlq.domain import masking
from dlq.models import Discard, DiscardedLetter, Letter, ReplayItem
from dlq.queries import letters, replays
from reliability import access
from reliability.kernel import text

ITEMS_MAX = 100  # a letter is in few runs: the loop guard sees to that


def with_key(key: str, *, actor: access.Actor, limit: int) -> list[Letter]:
    """Return leading letters with this key that the actor may see, the newest first.

    None for a key that looks like a secret, where letters are masked for the actor: whoever finds it knows it.
    """
    if not key or not text.is_storable(key) or (letters.is_masked(actor) and masking.masked_text(key) != key):
        return []
    found = letters.visible(actor).filter(key_text=key, duplicate_of__isnull=True)
    return list(found.select_related("group").only(*letters.LISTED).order_by("-id")[:limit])


def items_of(letter_ids: Collection[int], *, actor: access.Actor) -> list[ReplayItem]:
    """Return what became of these letters in runs that the actor may see, the newest first."""
    found = ReplayItem.objects.filter(letter_id__in=letter_ids).select_related("replay").order_by("-pk")[:ITEMS_MAX]
    return [item for item in found if replays.may_see(item.replay.topics, actor=actor)]


def discards_of(letter_ids: Collection[int], *, actor: access.Actor) -> list[Discard]:
    """Return the discards that took some of these letters and that the actor may see, the newest first."""
    holding = DiscardedLetter.objects.filter(letter_id__in=letter_ids).values("discard_id")
    found = Discard.objects.filter(pk__in=holding).order_by("-pk")[:ITEMS_MAX]
    return [made for made in found if replays.may_see(made.topics, actor=actor)]
