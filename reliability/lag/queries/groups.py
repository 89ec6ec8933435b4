"""Groups to look at: the worst first, as an account may see them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Count, F, Func, IntegerField, Q, QuerySet, Sum

from reliability import access
from reliability.kernel.errors import Refused
from reliability.kernel.text import is_storable
from reliability.lag.domain import verdict
from reliability.lag.domain.summary import MemberRow, PartitionRow
from reliability.lag.domain.values import Word
from reliability.lag.models import Group
from reliability.lag.queries import rows, series
from reliability.lag.queries.rows import Row

__all__ = [
    "EVERYTHING",
    "BadCursor",
    "NoSuchGroup",
    "Page",
    "Row",
    "Search",
    "Standing",
    "of_topic",
    "one",
    "page",
    "standing",
]

PAGE = 50
PAGE_MAX = 200
NAMES_MAX = 5_000  # groups that a limited account's page looks through; more than a cluster of any size we know has
_CURSOR = re.compile(r"(\d{1,3})-(\d{1,18})-(\d{1,18})")


class NoSuchGroup(Refused):
    """There is no such consumer group, or all of it belongs to topics that you may not see."""

    code = "no-such-group"
    status = 404


class BadCursor(Refused):
    """This is no place in a list of groups."""

    code = "bad-cursor"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Groups, the worst first. ``next`` is the cursor of the page after, None at the end."""

    rows: Sequence[Row]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for: parts of a name or topic, a word, a cluster, a topic by its whole name.

    Groups that are gone are listed where they are asked for: by a text or by the word for them.
    """

    text: str = ""
    word: str = ""
    cluster: str = ""
    topic: str = ""

    @property
    def is_everything(self) -> bool:
        """Whether nothing is asked for in particular."""
        return not (self.text or self.word or self.cluster or self.topic)

    def condition(self, *, by_word: bool = True) -> Q:
        """As a condition on groups; without the word where that is of the visible topics only."""
        if not all(map(is_storable, (self.text, self.word, self.cluster, self.topic))):
            return Q(pk__in=[])
        wanted = Q()
        for part in self.text.split():
            wanted &= Q(name__icontains=part) | Q(topics__icontains=part)
        if self.word and by_word:
            wanted &= Q(word=self.word)
        if self.cluster:
            wanted &= Q(cluster_id=self.cluster)
        if self.topic:
            wanted &= Q(topics__contains=[self.topic])
        if not self.text and self.word != Word.DEAD:
            wanted &= Q(gone_at=None)
        return wanted

    def fits(self, row: Row) -> bool:
        """Whether a limited account's row is what is looked for: a topic it may not see finds nothing."""
        seen = [row.name.lower(), *(topic.lower() for topic in row.topics)]
        return (
            (not self.word or row.word == self.word)
            and (not self.topic or self.topic in row.topics)
            and all(any(part in each for each in seen) for part in self.text.lower().split())
        )


EVERYTHING = Search()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All groups in a few figures, as an account may see them. ``lag`` is None when no group's is known."""

    words: dict[Word, int]
    lag: int | None
    groups: int
    in_trouble: int


def page(
    *, actor: access.Actor, search: Search = EVERYTHING, cursor: str = "", limit: int = PAGE, with_hour: bool = True
) -> Page:
    """Return a page of the groups that a search fits, with their last hour. Raises ``BadCursor``."""
    limit = max(1, min(limit, PAGE_MAX))
    behind = _place(cursor)
    allowed = access.visible_topics(actor)
    if allowed.is_everything:
        found = _page_of_all(_listed(search.condition()), behind, limit)
    else:
        found = _page_of_topics(search, allowed, behind, limit)
    shown = found[:limit]
    after = "-".join(map(str, shown[-1].place)) if len(found) > limit else None
    return Page(rows=_with_points(shown, allowed) if with_hour else shown, next=after)


def one(*, actor: access.Actor, group_id: int) -> tuple[Row, Group, list[PartitionRow], list[MemberRow]]:
    """Return a group with its partitions and members, those an account may see. Raises ``NoSuchGroup``."""
    group = Group.objects.filter(pk=group_id).first()
    allowed = access.visible_topics(actor)
    row = rows.row_of(group, allowed) if group is not None else None
    if group is None or row is None:
        raise NoSuchGroup
    partitions, members = rows.parts_of(group, row, allowed)
    return _with_points([row], allowed)[0], group, partitions, members


def some(*, actor: access.Actor, group_ids: Collection[int]) -> Sequence[Row]:
    """Return those of these groups that an account may see, the worst first; without their last hour."""
    found = list(_rows_of_topics(Q(pk__in=group_ids), access.visible_topics(actor)))
    return sorted(found, key=lambda row: row.place, reverse=True)


def named(*, actor: access.Actor, name: str, cluster: str = "") -> Sequence[Row]:
    """Return the groups of exactly this name: at most one in each cluster."""
    if not (is_storable(name) and is_storable(cluster)):
        return []
    wanted = Q(name=name, cluster_id=cluster) if cluster else Q(name=name)
    return list(_rows_of_topics(wanted, access.visible_topics(actor)))


def of_topic(*, actor: access.Actor, cluster: str, topic: str) -> Sequence[Row]:
    """Return the groups that read a topic, the worst first, with the figures of this topic only.

    Nothing is returned to an account that may not see it.
    """
    if not access.visible_topics(actor).allows(topic):
        return []
    only = access.VisibleTopics(access.TopicFilter.of([topic]))
    found = list(_rows_of_topics(Search(cluster=cluster, topic=topic).condition(), only))
    found.sort(key=lambda row: row.place, reverse=True)
    return _with_points(found[:PAGE_MAX], only)


def standing(*, actor: access.Actor, cluster: str = "") -> Standing:
    """Return how many groups have each word, and what waits in all; groups that are gone count as that only."""
    if not is_storable(cluster):
        return Standing(words={}, lag=None, groups=0, in_trouble=0)
    of_cluster = Q(cluster_id=cluster) if cluster else Q()
    allowed = access.visible_topics(actor)
    words: dict[Word, int] = {}
    lag: int | None = None
    groups = 0
    for word, count, waiting, living in _counted(of_cluster, allowed):
        words[word] = words.get(word, 0) + count
        groups += living
        if waiting is not None:
            lag = (lag or 0) + waiting
    trouble = sum(count for word, count in words.items() if word is Word.WARN or word in verdict.ERRORS)
    return Standing(words=words, lag=lag, groups=groups, in_trouble=trouble)


def _counted(wanted: Q, allowed: access.VisibleTopics) -> Iterator[tuple[Word, int, int | None, int]]:
    """Word, groups of it, their lag, and how many of them are not gone."""
    if allowed.is_everything:
        living = Count("id", filter=Q(gone_at=None))
        counted = Group.objects.filter(wanted & (Q(gone_at=None) | Q(word=Word.DEAD)))
        for word, count, waiting, alive in (
            counted.order_by().values("word").annotate(n=Count("id"), all=Sum("lag"), living=living)
        ).values_list("word", "n", "all", "living"):
            yield Word(word), count, waiting, alive
        return
    for row in _rows_of_topics(wanted, allowed):
        if row.gone_at is None or row.word is Word.DEAD:
            yield row.word, 1, row.lag, int(row.gone_at is None)


def _place(cursor: str) -> tuple[int, int, int] | None:
    if not cursor:
        return None
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise BadCursor
    severity, weight, group_id = map(int, match.groups())
    return severity, weight, group_id


def _listed(wanted: Q) -> QuerySet[Group]:
    count = Func(F("members"), function="jsonb_array_length", output_field=IntegerField())
    return Group.objects.filter(wanted).only(*rows.LISTED).annotate(**{rows.MEMBERS_COUNT: count})


def _page_of_all(wanted: QuerySet[Group], behind: tuple[int, int, int] | None, limit: int) -> list[Row]:
    if behind:
        severity, weight, group_id = behind
        same = Q(severity=severity)
        wanted = wanted.filter(
            Q(severity__lt=severity) | same & Q(weight__lt=weight) | same & Q(weight=weight, id__lt=group_id)
        )
    found = wanted.order_by("-severity", "-weight", "-id")[: limit + 1]
    return [rows.row_of_all(group) for group in found]


def _page_of_topics(
    search: Search, allowed: access.VisibleTopics, behind: tuple[int, int, int] | None, limit: int
) -> list[Row]:
    found = [row for row in _rows_of_topics(search.condition(by_word=False), allowed) if search.fits(row)]
    found.sort(key=lambda row: row.place, reverse=True)
    return [row for row in found if behind is None or row.place < behind][: limit + 1]


def _rows_of_topics(wanted: Q, allowed: access.VisibleTopics) -> Iterator[Row]:
    for group in _listed(wanted).order_by("id")[:NAMES_MAX]:
        row = rows.row_of(group, allowed)
        if row is not None:
            yield row


def _with_points(found: Sequence[Row], allowed: access.VisibleTopics) -> list[Row]:
    return rows.with_points(found, series.last_hour([row.id for row in found], allowed=allowed))
