"""From a scope to its letters, in the order in which a replay sends them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.db.models import BooleanField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Length

from dlq.domain.item import ItemState
from dlq.domain.plan import LETTERS_MAX, Candidate
from dlq.domain.scope import Scope
from dlq.models import Letter, ReplayItem
from dlq.models.letters import STANDING, State
from dlq.queries import groups as group_queries
from dlq.queries import letters as letter_queries
from dlq.queries import limits, replays, shapes
from reliability import access
from reliability.kafka import group_names
from reliability.kernel.errors import Refused

NAMED_MAX = 20
"""Ids that a refusal names one by one."""


class TooMany(Refused):
    """The scope has more letters than one plan takes."""

    code = "too-many-letters"
    status = 422


def check_named(scope: Scope, *, actor: access.Actor) -> None:
    """Refuse letters, a group or a run that there are not for the actor: raise ``NoSuchLetter``, ``NoSuchGroup`` or
    ``NoSuchReplay``.

    Otherwise a mistyped number would look like a scope that has nothing left to do, and a hidden run would show itself.
    """
    if scope.ids is not None:
        gone = absent(scope, visible=access.visible_topics(actor))
        if len(gone) == len(scope.ids):
            none = "There is no letter" if len(gone) == 1 else "There are no letters"
            raise letter_queries.NoSuchLetter(f"{none} {_listed(gone)} that you may see.")
    if scope.group is not None and not group_queries.visible(actor).filter(pk=scope.group).exists():
        raise group_queries.NoSuchGroup(f"There is no failure group {scope.group} that you may see.")
    if scope.failed_of is not None:
        replays.visible_replay(scope.failed_of, actor=actor)


def leaders(scope: Scope, *, visible: access.VisibleTopics) -> QuerySet[Letter]:
    """Return the letters of a scope; of several that tell of one failure only the leading one.

    Letters named by id are there whatever their state. A group and a filter mean what
    still waits for something: closed letters are left out, and a filter that names a state says so itself.
    """
    if scope.ids is not None:
        of_followers = Letter.objects.filter(pk__in=scope.ids, duplicate_of__isnull=False).values("duplicate_of")
        return _leading(visible).filter(Q(pk__in=scope.ids) | Q(pk__in=of_followers))
    if scope.group is not None:
        return _up_to(scope, _leading(visible)).filter(group_id=scope.group, state__in=STANDING)
    if scope.failed_of is not None:
        return _leading(visible).filter(pk__in=_failed(scope.failed_of))
    wanted = letter_queries.condition(scope.filter or "")
    return _up_to(scope, _leading(visible)).filter(wanted, state__in=STANDING)


def absent(scope: Scope, *, visible: access.VisibleTopics) -> list[int]:
    """Return the ids of a scope that name no letter, or none that may be seen: what is hidden is not there."""
    if scope.ids is None:
        return []
    seen = Letter.objects.filter(visible.q("origin_topic"), pk__in=scope.ids).values_list("pk", flat=True)
    return sorted(set(scope.ids).difference(seen))


def failed_and_open(replay_id: int, *, visible: access.VisibleTopics) -> int:
    """Return how many letters of what failed again in a run are open now: neither resolved nor in a later run."""
    return leaders(Scope(failed_of=replay_id), visible=visible).filter(state=State.OPEN).count()


def bounded(scope: Scope) -> Scope:
    """Return a group or a filter without what arrives from now on; ids and a run's failures are as they are."""
    if scope.group is None and scope.filter is None:
        return scope
    newest = Letter.objects.order_by("-pk").values_list("pk", flat=True).first()
    return scope if newest is None else replace(scope, up_to=newest)


def origin_topics(scope: Scope, *, visible: access.VisibleTopics) -> set[str]:
    """Return the origin topics of a scope's letters; raise ``TooSlow``."""
    with limits.at_most(limits.SCOPE_S):
        return set(leaders(scope, visible=visible).order_by().values_list("origin_topic", flat=True).distinct())


def duplicates(scope: Scope, *, visible: access.VisibleTopics) -> int:
    """Return how many letters of the scope only repeat a failure, and are not sent; raise ``TooSlow``."""
    if scope.ids is not None:
        named = Letter.objects.filter(visible.q("origin_topic"), pk__in=scope.ids)
        repeats = named.filter(duplicate_of__isnull=False)
    else:
        repeats = Letter.objects.filter(duplicate_of__in=leaders(scope, visible=visible).values("pk"))
    with limits.at_most(limits.SCOPE_S):
        return repeats.count()


def candidates(scope: Scope, *, visible: access.VisibleTopics) -> Iterator[Candidate]:
    """Yield a scope's letters in the order of sending, with what decides about each; raise ``TooMany``,
    ``TooSlow``.
    """
    with limits.at_most(limits.SCOPE_S):
        rows = list(_rows(leaders(scope, visible=visible))[: LETTERS_MAX + 1])
    if len(rows) > LETTERS_MAX:
        raise TooMany(f"The scope has more than {LETTERS_MAX:,} letters: narrow it, or replay it in parts.")
    keeper = shapes.keeper({row["origin_topic"] for row in rows})
    return (_candidate(row, keeper) for row in rows)


def _listed(ids: list[int]) -> str:
    named = ", ".join(map(str, ids[:NAMED_MAX]))
    return f"{named} and {len(ids) - NAMED_MAX:,} more" if len(ids) > NAMED_MAX else named


def _leading(visible: access.VisibleTopics) -> QuerySet[Letter]:
    return Letter.objects.filter(visible.q("origin_topic"), duplicate_of__isnull=True)


def _up_to(scope: Scope, letters: QuerySet[Letter]) -> QuerySet[Letter]:
    return letters if scope.up_to is None else letters.filter(pk__lte=scope.up_to)


def _failed(replay_id: int) -> QuerySet[ReplayItem, Any]:
    failed = ReplayItem.objects.filter(replay_id=replay_id, state=ItemState.FAILED_AGAIN)
    return failed.annotate(heir=Coalesce("new_letter_id", "letter_id")).values("heir")


def _rows(letters: QuerySet[Letter]) -> QuerySet[Letter, Any]:
    """Order: as the records first lay in their topic, also for those that were replayed since; so per key in order."""
    before = ReplayItem.objects.filter(new_letter=OuterRef("pk")).order_by("-pk")
    unknown = ReplayItem.objects.filter(letter=OuterRef("pk"), state=ItemState.UNKNOWN)
    rows: QuerySet[Letter, Any] = (
        letters.annotate(
            order_partition=Coalesce(Subquery(before.values("order_partition")[:1]), F("origin_partition")),
            order_offset=Coalesce(Subquery(before.values("order_offset")[:1]), F("origin_offset")),
            size=F("value_size") + Coalesce(Length("key"), 0) + Length("headers"),
            failed_before=ExpressionWrapper(Q(replay_count__gt=0), output_field=BooleanField()),
            unknown_before=Exists(unknown),
            title=F("group__title"),
        )
        .order_by("origin_topic", "order_partition", "order_offset", "pk")
        .values(
            *("pk", "state", "group_id", "title", "origin_topic", "origin_partition", "consumer_group", "size"),
            *("stored_at", "headers_unreadable", "failed_before", "unknown_before", "left_out"),
        )
    )
    return rows


def _candidate(row: dict[str, Any], keeper: shapes.Keeper) -> Candidate:
    return Candidate(
        id=row["pk"],
        state=row["state"],
        group_id=row["group_id"],
        title=row["title"],
        origin_topic=row["origin_topic"],
        consumer_group="" if group_names.trouble(row["consumer_group"]) else row["consumer_group"],
        size=row["size"],
        stored_at=row["stored_at"],
        headers_unreadable=row["headers_unreadable"],
        failed_before=row["failed_before"],
        unknown_before=row["unknown_before"],
        is_pointer=bool(row["left_out"]),
        partition_kept=keeper.keeps_place(row["origin_topic"], row["origin_partition"], row["stored_at"]),
    )
