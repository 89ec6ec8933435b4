"""Reads of discards: what was dropped, by whom, why, and whether it can still be undone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, F

from dlq.domain.scope import Scope
from dlq.models import Discard, DiscardedLetter
from dlq.models.letters import FREE
from dlq.queries import limits, replays, scopes
from reliability import access
from reliability.kernel.errors import Refused

REPORT_ROWS_MAX = 50


class NoSuchDiscard(Refused):
    """There is no such discard."""

    code = "no-such-discard"
    status = 404


def discard(discard_id: int) -> Discard:
    """Return a discard; raise ``NoSuchDiscard``."""
    found = Discard.objects.filter(pk=discard_id).first()
    if found is None:
        raise NoSuchDiscard
    return found


def visible_discard(discard_id: int, *, actor: access.Actor) -> Discard:
    """Return a discard of which the actor may see every topic; raise ``NoSuchDiscard`` otherwise."""
    found = discard(discard_id)
    if not replays.may_see(found.topics, actor=actor):
        raise NoSuchDiscard
    return found


def discards(*, actor: access.Actor, before: int | None = None, limit: int = 50) -> tuple[list[Discard], int | None]:
    """Return discards that the actor may see, newest first, and the id before which the next page begins; see
    ``replays.newest_visible``."""
    found = Discard.objects.all()
    if before is not None:
        found = found.filter(pk__lt=before)
    return replays.newest_visible(found, actor=actor, limit=limit)


def can_be_undone(made: Discard, *, now: datetime) -> bool:
    """Whether the discard can still be undone."""
    return made.undone_at is None and now < made.undo_until


def report(made: Discard) -> dict[str, Any]:
    """Return what was dropped: letters by failure group, origin topic and consumer group (the largest each)."""
    letters = DiscardedLetter.objects.filter(discard=made)

    def by(field: str) -> list[dict[str, Any]]:
        rows = letters.values(value=F(field)).annotate(letters=Count("letter_id")).order_by("-letters")
        return [{"value": row["value"], "letters": row["letters"]} for row in rows[:REPORT_ROWS_MAX]]

    groups = letters.values("letter__group_id", "letter__group__title").annotate(letters=Count("letter_id"))
    return {
        "by_group": [
            {"group": row["letter__group_id"], "title": row["letter__group__title"], "letters": row["letters"]}
            for row in groups.order_by("-letters")[:REPORT_ROWS_MAX]
        ],
        "by_topic": by("letter__origin_topic"),
        "by_consumer_group": by("letter__consumer_group"),
    }


def letter_ids(made: Discard, *, after: int = 0, limit: int = 1_000) -> list[int]:
    """Return ids of the discarded letters, ascending from ``after``."""
    rows = DiscardedLetter.objects.filter(discard=made, letter_id__gt=after).order_by("letter_id")
    return list(rows.values_list("letter_id", flat=True)[:limit])


def preview(scope: Scope, *, actor: access.Actor) -> int:
    """Return how many letters of a scope could be discarded now: seen by the actor and free.

    Raises ``NoSuchLetter``, ``NoSuchGroup``, ``NoSuchReplay``.
    """
    scopes.check_named(scope, actor=actor)
    visible = access.visible_topics(actor)
    free = scopes.leaders(scope, visible=visible).filter(state__in=FREE)
    with limits.at_most(limits.SCOPE_S):
        return free.count()


def of_letter(letter_id: int, *, actor: access.Actor) -> list[Discard]:
    """Return the discards that a letter was part of and that the actor may see, the newest first."""
    found = Discard.objects.filter(letters__letter_id=letter_id)
    return replays.newest_visible(found, actor=actor, limit=REPORT_ROWS_MAX)[0]
