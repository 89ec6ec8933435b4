"""Failure groups to look at: the worst first, each with its last hour."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, F, Func, OuterRef, Q, QuerySet, Sum, TextField
from django.db.models.functions import Now

from dlq.domain import classify, trend
from dlq.domain.search import WORDS, Search, Term, keep_masked
from dlq.models import GroupMinute, Letter, LetterGroup
from dlq.queries import letters, limits, matching, tallies
from dlq.queries.tallies import Tally
from reliability import access
from reliability.kernel.errors import Refused

PAGE = 50
PAGE_MAX = 200
SPREAD_OF = 200  # the newest letters by which poison is told from outage
_CURSOR = re.compile(r"(\d{1,18})-(\d{1,18})")


class NoSuchGroup(Refused):
    """There is no such failure group, or all of it belongs to topics that you may not see."""

    code = "no-such-group"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A failure group as shown. ``points`` are new letters per minute over the last hour, the newest last."""

    group: LetterGroup
    standing: trend.Standing
    points: list[float]
    advice: classify.Advice
    is_limited: bool
    """The actor sees some topics only: numbers, times and names are those of its letters in them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Groups with the most open letters first. ``next`` is the cursor of the page after, None at the end.

    ``totals`` are the sums over all groups of an actor with limited topics, which the page takes anyway; else None.
    """

    rows: Sequence[Row]
    next: str | None
    totals: Totals | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Letters of the groups an actor may see."""

    open: int = 0
    replaying: int = 0
    quarantined: int = 0
    groups: int = 0
    """Groups with a letter that is open, replaying or quarantined."""


def visible(actor: access.Actor) -> QuerySet[LetterGroup]:
    """Return the groups with at least one letter of a topic that the actor may see."""
    allowed = access.visible_topics(actor)
    groups = LetterGroup.objects.all()
    if allowed.is_everything:
        return groups
    topics = groups.annotate(each=Func(F("topics"), function="unnest", output_field=TextField()))
    names = [name for name in topics.values_list("each", flat=True).distinct().order_by() if allowed.allows(name)]
    return groups.filter(topics__overlap=names) if names else groups.none()


def page(
    *, actor: access.Actor, search: Search, now: datetime, empty: bool = False, cursor: str = "", limit: int = PAGE
) -> Page:
    """Return a page of the groups that a search fits; those without anything left only when ``empty``.

    Terms that only letters can answer (key, header, json, ...) mean: a letter of the group fits them all. Words are
    looked for in title, message, note, consumer group and topic. Raises ``TooSlow``.
    """
    limit = max(1, min(limit, PAGE_MAX))
    match = _CURSOR.fullmatch(cursor)
    behind = (int(match[1]), int(match[2])) if match else None
    wanted = LetterGroup.objects.filter(_condition(search, actor))
    allowed = access.visible_topics(actor)
    if not allowed.is_everything:
        return _page_of_topics(wanted, allowed, now=now, empty=empty, behind=behind, limit=limit)
    if not empty:
        wanted = wanted.filter(_anything_left())
    if behind:
        most, last = behind
        wanted = wanted.filter(Q(open_count__lt=most) | Q(open_count=most, id__lt=last))
    with limits.at_most(limits.SEARCH_S):
        found = list(wanted.order_by("-open_count", "-id")[: limit + 1])
    shown = found[:limit]
    after = f"{shown[-1].open_count}-{shown[-1].id}" if len(found) > limit else None
    return Page(rows=_rows(shown, now=now), next=after)


def _page_of_topics(
    wanted: QuerySet[LetterGroup],
    allowed: access.VisibleTopics,
    *,
    now: datetime,
    empty: bool,
    behind: tuple[int, int] | None,
    limit: int,
) -> Page:
    """The page for who sees some topics only: chosen, ordered and counted by the letters of these."""
    counted = tallies.count(allowed, now=now)
    with limits.at_most(limits.SEARCH_S):
        ids = set(wanted.filter(id__in=list(counted)).values_list("id", flat=True))
    places = sorted(((counted[each].open, each) for each in ids if empty or not counted[each].is_empty), reverse=True)
    if behind:
        places = [place for place in places if place < behind]
    shown = places[:limit]
    found = LetterGroup.objects.in_bulk([group_id for _, group_id in shown])
    rows = [_row_of_topics(found[each], counted[each], now=now) for _, each in shown if each in found]
    after = f"{shown[-1][0]}-{shown[-1][1]}" if len(places) > limit else None
    return Page(rows=rows, next=after, totals=_totals_of(counted.values()))


def one(*, actor: access.Actor, group_id: int, now: datetime) -> Row:
    """Return a group; raises ``NoSuchGroup``, and ``TooSlow`` for an actor with limited topics."""
    found = LetterGroup.objects.filter(id=group_id).first()
    allowed = access.visible_topics(actor)
    if found is not None and allowed.is_everything:
        return _rows([found], now=now)[0]
    counted = tallies.count(allowed, now=now, group_ids=[group_id])
    if found is None or not counted:
        raise NoSuchGroup
    return _row_of_topics(found, counted[group_id], now=now)


def titles(group_ids: Iterable[int]) -> dict[int, str]:
    """Return what these groups are called."""
    return dict(LetterGroup.objects.filter(id__in=list(group_ids)).values_list("id", "title"))


def _rows(groups: Collection[LetterGroup], *, now: datetime) -> list[Row]:
    points = sparklines([group.id for group in groups], now=now)
    return [_row(group, points[group.id], now=now, is_limited=False) for group in groups]


def _row_of_topics(group: LetterGroup, tally: Tally, *, now: datetime) -> Row:
    return _row(tallies.narrowed(group, tally), tally.points, now=now, is_limited=True)


def _row(group: LetterGroup, points: list[float], *, now: datetime, is_limited: bool) -> Row:
    standing = trend.judge(
        open_count=group.open_count,
        replaying=group.replaying_count,
        quarantined=group.quarantined_count,
        cause=group.cause,
        age_s=(now - group.first_seen).total_seconds(),
        points=points,
    )
    return Row(
        group=group, standing=standing, points=points, advice=classify.advice(group.cause), is_limited=is_limited
    )


def sparklines(group_ids: Iterable[int], *, now: datetime) -> dict[int, list[float]]:
    """Return new letters per minute for the sixty minutes that end now, by group, zeros included."""
    points = {group_id: [0.0] * trend.MINUTES for group_id in group_ids}
    this_minute = now.replace(second=0, microsecond=0)
    since = this_minute - timedelta(minutes=trend.MINUTES - 1)
    counted = GroupMinute.objects.filter(group_id__in=points, minute__gte=since, minute__lte=this_minute)
    for group_id, minute, count in counted.values_list("group_id", "minute", "count"):
        points[group_id][int((minute - since).total_seconds() // 60)] = float(count)
    return points


def arrivals(*, now: datetime) -> list[float]:
    """Return new letters of all groups per minute for the last sixty minutes."""
    this_minute = now.replace(second=0, microsecond=0)
    since = this_minute - timedelta(minutes=trend.MINUTES - 1)
    counted = GroupMinute.objects.filter(minute__gte=since, minute__lte=this_minute).values("minute")
    points = [0.0] * trend.MINUTES
    for minute, count in counted.annotate(all=Sum("count")).values_list("minute", "all"):
        points[int((minute - since).total_seconds() // 60)] = float(count)
    return points


def totals(*, actor: access.Actor, now: datetime) -> Totals:
    """Return the sums over the letters an actor may see; raises ``TooSlow`` for one with limited topics."""
    allowed = access.visible_topics(actor)
    if not allowed.is_everything:
        return _totals_of(tallies.count(allowed, now=now).values())
    left = LetterGroup.objects.filter(_anything_left())
    sums = left.aggregate(
        **{"open": Sum("open_count"), "replaying": Sum("replaying_count"), "quarantined": Sum("quarantined_count")}
    )
    return Totals(**{name: number or 0 for name, number in sums.items()}, groups=left.count())


def totals_and_arrivals(*, actor: access.Actor, now: datetime) -> tuple[Totals, list[float]]:
    """Return the sums, and new letters per minute for the last sixty minutes; raises ``TooSlow`` as ``totals``."""
    allowed = access.visible_topics(actor)
    if allowed.is_everything:
        return totals(actor=actor, now=now), arrivals(now=now)
    counted = tallies.count(allowed, now=now).values()
    return _totals_of(counted), tallies.points(counted)


def _totals_of(counted: Collection[Tally]) -> Totals:
    return Totals(
        open=sum(each.open for each in counted),
        replaying=sum(each.replaying for each in counted),
        quarantined=sum(each.quarantined for each in counted),
        groups=sum(not each.is_empty for each in counted),
    )


def spread(group: LetterGroup, *, actor: access.Actor) -> str:
    """Return whether the newest letters of a group that the actor may see are of one key (poison) or of many (outage),
    in words."""
    newest = letters.visible(actor).filter(group_id=group.pk, duplicate_of__isnull=True).order_by("-id")
    keys = list(newest.values_list("key_text", flat=True)[:SPREAD_OF])
    return trend.spread(letters=len(keys), keys=len(set(keys)))


def _anything_left() -> Q:
    return Q(open_count__gt=0) | Q(replaying_count__gt=0) | Q(quarantined_count__gt=0)


def _condition(search: Search, actor: access.Actor) -> Q:
    """The search as a condition on groups; what only letters can tell is asked of the group's letters, all at once."""
    wanted, of_letters, masked = Q(), [], letters.is_masked(actor)
    allowed = access.visible_topics(actor)
    if masked:
        keep_masked(search)
    for term in search.terms:
        mine = _of_group(term, masked=masked, limited=not allowed.is_everything)
        if mine is None:
            of_letters.append(term)
        else:
            wanted &= ~mine if term.negated else mine
    if of_letters:
        seen = allowed.q("origin_topic")
        fitting = matching.condition(Search(terms=tuple(of_letters)), masked=masked) & seen
        wanted &= Q(Exists(Letter.objects.filter(fitting, group=OuterRef("pk"), duplicate_of__isnull=True)))
    return wanted


def _of_group(term: Term, *, masked: bool, limited: bool) -> Q | None:
    found = Q()
    for value in term.values:
        one = _of_group_one(term, value, masked=masked, limited=limited)
        if one is None:
            return None
        found |= one
    return found


def _of_group_one(term: Term, value: str, *, masked: bool, limited: bool) -> Q | None:
    match term.field:
        case "group":
            return matching.text_condition("consumer_group", value)
        case "failure":
            return Q(id=value)
        case "cause":
            return Q(cause=value)
        case "error":
            same = Q(error_type__icontains=value) | Q(title__icontains=value)
            return same if limited else same | _in_sample(value, masked=masked)
    if term.field == WORDS:
        said = Q(title__icontains=value) | Q(note__icontains=value) | Q(consumer_group__icontains=value)
        return said if limited else said | _in_sample(value, masked=masked) | Q(topic__icontains=value)
    # What follows tells of all letters of the group. Who sees some topics only asks those, letter by letter.
    return None if limited else _of_all_letters(term, value)


def _of_all_letters(term: Term, value: str) -> Q | None:
    match term.field:
        case "topic" if "*" not in value:
            return Q(topics__contains=[value])
        case "source" if "*" not in value:
            return Q(sources__contains=[value])
        case "age":
            edge = Now() - term.age
            return Q(last_seen__lt=edge) if term.sign == ">" else Q(last_seen__gt=edge)
        case "state" if value in _COUNTERS:
            return Q(**{f"{_COUNTERS[value]}__gt": 0})
    return None


def _in_sample(value: str, *, masked: bool) -> Q:
    return matching.open_text("sample_message", value) if masked else Q(sample_message__icontains=value)


_COUNTERS = {"open": "open_count", "replaying": "replaying_count", "quarantined": "quarantined_count"}
