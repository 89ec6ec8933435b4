"""Letters to look at: pages of a search, one with all that is known of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from dlq.domain.search import Search, parse
from dlq.models import Letter
from dlq.models.letters import STANDING
from dlq.queries import limits
from dlq.queries import matching as conditions
from reliability import access
from reliability.kernel.errors import Refused

PAGE = 50
PAGE_MAX = 200
RELATED_MAX = 50

# What a list shows; bodies, headers and stacks stay where they are.
LISTED = (
    "id", "cluster", "topic", "partition", "offset", "timestamp_ms", "origin_topic", "origin_partition",
    "origin_offset", "consumer_group", "attempt", "error_type", "error_message", "cause", "dialect", "failed_at",
    "trace_id", "message_id", "replay", "key_text", "value_size", "stored_at", "state", "closed_at", "replay_count",
    "parse_error", "headers_unreadable", "left_out", "group", "group__title", "group__cause", "duplicate_of",
)  # fmt: skip


class NoSuchLetter(Refused):
    """There is no such letter, or it belongs to a topic that you may not see."""

    code = "no-such-letter"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many letters a search has; more than ``number`` when ``is_capped``, None when counting took too long."""

    number: int | None
    is_capped: bool = False

    def __str__(self) -> str:
        if self.number is None:
            return "many"
        return f"{self.number:,}{'+' if self.is_capped else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Letters, the newest first. ``older`` and ``newer`` are cursors of the neighbouring pages, None at an end."""

    rows: Sequence[Letter]
    older: int | None
    newer: int | None
    count: Count


def condition(text: str) -> Q:
    """Return what the letters of a search as typed fulfil, whoever asks; raises ``BadSearch``."""
    return conditions.condition(parse(text))


def visible(actor: access.Actor) -> QuerySet[Letter]:
    """Return the letters of topics that the actor may see; one whose origin is not known takes every topic."""
    return Letter.objects.filter(access.visible_topics(actor).q("origin_topic"))


def by_id(ids: Collection[int], *, actor: access.Actor) -> dict[int, Letter]:
    """Return those of these letters that the actor may see, with what a list shows of them."""
    found = visible(actor).filter(pk__in=ids).select_related("group").only(*LISTED) if ids else ()
    return {letter.pk: letter for letter in found}


def reveals(actor: access.Actor, *topics: str) -> bool:
    """Whether the actor may see what is secret in letters of these origin topics; others see it masked."""
    return access.may(actor, "letters.reveal", topics=topics)


def is_masked(actor: access.Actor) -> bool:
    """Whether letters are masked for the actor by role, so that searches must not see through it."""
    try:
        access.admit(actor, "letters.reveal")
    except access.Denied:
        return True
    return False


def _wanted(search: Search, actor: access.Actor) -> Q:
    return conditions.condition(search, masked=is_masked(actor))


def page(
    *,
    actor: access.Actor,
    search: Search,
    group_id: int | None = None,
    before: int | None = None,
    after: int | None = None,
    limit: int = PAGE,
) -> Page:
    """Return a page of a search, leading letters only: those older than ``before``, or the next newer than ``after``.

    Raises ``TooSlow`` when the search takes more than some seconds, ``BadSearch`` when it would see through masking.
    """
    limit = max(1, min(limit, PAGE_MAX))
    wanted = visible(actor).filter(_wanted(search, actor), duplicate_of__isnull=True)
    if group_id is not None:
        wanted = wanted.filter(group_id=group_id)
    listed = wanted.select_related("group").only(*LISTED)
    with limits.at_most(limits.SEARCH_S):
        if after is not None:
            found = list(listed.filter(id__gt=after).order_by("id")[: limit + 1])
            rows, has_newer, has_older = found[:limit][::-1], len(found) > limit, True
        else:
            older = listed.filter(id__lt=before) if before is not None else listed
            found = list(older.order_by("-id")[: limit + 1])
            rows, has_newer, has_older = found[:limit], before is not None, len(found) > limit
    return Page(
        rows=rows,
        older=rows[-1].id if rows and has_older else None,
        newer=rows[0].id if rows and has_newer else None,
        count=count(wanted),
    )


def count(wanted: QuerySet[Letter]) -> Count:
    """Count letters up to a cap; give up after a second."""
    try:
        with limits.at_most(limits.COUNT_S):
            number = wanted.order_by()[: limits.COUNT_MAX + 1].count()
    except limits.TooSlow:
        return Count(number=None)
    return Count(number=min(number, limits.COUNT_MAX), is_capped=number > limits.COUNT_MAX)


def one(*, actor: access.Actor, letter_id: int) -> Letter:
    """Return a letter with its bytes; raises ``NoSuchLetter`` also when it may not be seen."""
    found = visible(actor).select_related("group", "duplicate_of").filter(id=letter_id).first()
    if found is None:
        raise NoSuchLetter
    return found


def newest_of(*, actor: access.Actor, group_id: int) -> Letter | None:
    """Return the newest leading letter of a failure group, with its bytes."""
    leading = visible(actor).filter(group_id=group_id, duplicate_of__isnull=True)
    return leading.select_related("group").order_by("-id").first()


def duplicates_of(letter: Letter) -> Sequence[Letter]:
    """Return the letters that repeat this one's failure, the oldest first; at most fifty."""
    return list(Letter.objects.filter(duplicate_of=letter).only(*LISTED).order_by("id")[:RELATED_MAX])


def same_message(letter: Letter) -> Sequence[Letter]:
    """Return the other letters of the same message, the oldest first: its failures over time, in any group."""
    others = Letter.objects.filter(message_id=letter.message_id, origin_topic=letter.origin_topic)
    shown = others.exclude(id=letter.id).filter(duplicate_of__isnull=True)
    return list(shown.select_related("group").only(*LISTED).order_by("id")[:RELATED_MAX])


def same_key(letter: Letter) -> Sequence[Letter]:
    """Return other unsettled letters with the same key and origin topic, the oldest first.

    Whether newer records of the key are in the topic itself is not known here: that takes reading the topic.
    """
    if not letter.key_text:
        return []
    others = Letter.objects.filter(key_text=letter.key_text, origin_topic=letter.origin_topic, state__in=STANDING)
    shown = others.filter(key=letter.key, duplicate_of__isnull=True).exclude(id=letter.id)
    return list(shown.select_related("group").only(*LISTED).order_by("id")[:RELATED_MAX])


def neighbours(*, actor: access.Actor, letter: Letter, search: Search) -> tuple[int | None, int | None]:
    """Return the ids of the next newer and the next older letter of a search."""
    wanted = visible(actor).filter(_wanted(search, actor), duplicate_of__isnull=True).values_list("id", flat=True)
    with limits.at_most(limits.SEARCH_S):
        newer = wanted.filter(id__gt=letter.id).order_by("id").first()
        older = wanted.filter(id__lt=letter.id).order_by("-id").first()
    return newer, older
