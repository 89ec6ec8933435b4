"""Groups to look at: the worst first, as an account may see them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Q, QuerySet

from reliability import access
from reliability.kernel.errors import Refused
from reliability.lag.domain import verdict
from reliability.lag.domain.summary import MemberRow, PartitionRow, TopicSum
from reliability.lag.domain.values import Word
from reliability.lag.models import Group
from reliability.lag.queries import series

PAGE = 50
PAGE_MAX = 200
NAMES_MAX = 5_000  # groups that a limited account's page looks through; more than a cluster of any size we know has
_CURSOR = re.compile(r"(\d{1,3})-(\d{1,18})-(\d{1,18})")
_LISTED = (
    "id", "cluster_id", "name", "state", "protocol", "word", "word_since", "reason", "severity", "lag", "weight",
    "lag_s", "lag_s_at_least", "trend", "eta_s", "loss_s", "lost", "expires_at", "partitions", "untold", "topics",
    "per_topic", "polled_at", "gone_at",
)  # fmt: skip


class NoSuchGroup(Refused):
    """There is no such consumer group, or all of it belongs to topics that you may not see."""

    code = "no-such-group"
    status = 404


class BadCursor(Refused):
    """This is no place in a list of groups."""

    code = "bad-cursor"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A group as shown. ``points`` are its lag at the end of each of the last 60 minutes, None where nobody looked.

    For an account that sees some topics only every figure is that of these, and what is of the group as a whole (its
    reason, trend and forecasts) is left out: ``is_limited``.
    """

    id: int
    cluster: str
    name: str
    state: str
    protocol: str
    word: Word
    word_since: datetime
    reason: str
    lag: int | None
    lag_s: float | None
    at_least: bool
    trend: str
    eta_s: float | None
    loss_s: float | None
    lost: int
    expires_at: datetime | None
    partitions: int
    untold: int
    topics: Sequence[str]
    points: Sequence[float | None]
    polled_at: datetime
    gone_at: datetime | None
    is_limited: bool

    @property
    def status(self) -> str:
        """The console's status of the word."""
        return verdict.status_of(self.word)

    @property
    def place(self) -> tuple[int, int, int]:
        """Where it stands in a list."""
        return verdict.SEVERITY[self.word], self.lag or 0, self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Groups, the worst first. ``next`` is the cursor of the page after, None at the end."""

    rows: Sequence[Row]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for: a part of a name or topic, a word, a cluster, a topic by its whole name."""

    text: str = ""
    word: str = ""
    cluster: str = ""
    topic: str = ""

    def condition(self) -> Q:
        """As a condition on groups."""
        wanted = Q()
        for part in self.text.split():
            wanted &= Q(name__icontains=part) | Q(topics__icontains=part)
        if self.word:
            wanted &= Q(word=self.word)
        if self.cluster:
            wanted &= Q(cluster_id=self.cluster)
        if self.topic:
            wanted &= Q(topics__contains=[self.topic])
        return wanted


EVERYTHING = Search()


def page(*, actor: access.Actor, search: Search = EVERYTHING, cursor: str = "", limit: int = PAGE) -> Page:
    """Return a page of the groups that a search fits. Raises ``BadCursor``."""
    limit = max(1, min(limit, PAGE_MAX))
    behind = _place(cursor)
    allowed = access.visible_topics(actor)
    wanted = Group.objects.filter(search.condition()).only(*_LISTED)
    if allowed.is_everything:
        rows = _page_of_all(wanted, behind, limit)
    else:
        rows = _page_of_topics(wanted, allowed, behind, limit)
    shown = rows[:limit]
    after = "-".join(map(str, shown[-1].place)) if len(rows) > limit else None
    return Page(rows=_with_points(shown, allowed), next=after)


def one(*, actor: access.Actor, group_id: int) -> tuple[Row, Group, list[PartitionRow], list[MemberRow]]:
    """Return a group with its partitions and members, those an account may see. Raises ``NoSuchGroup``."""
    group = Group.objects.filter(pk=group_id).first()
    allowed = access.visible_topics(actor)
    row = _row(group, allowed) if group is not None else None
    if group is None or row is None:
        raise NoSuchGroup
    rows = [PartitionRow(*each) for each in group.rows]
    members = [MemberRow(*each) for each in group.members]
    if row.is_limited:
        rows = [each for each in rows if allowed.allows(each.topic)]
    return _with_points([row], allowed)[0], group, rows, members


def of_topic(*, actor: access.Actor, cluster: str, topic: str) -> Sequence[Row]:
    """Return the groups that read a topic, the worst first."""
    return page(actor=actor, search=Search(cluster=cluster, topic=topic), limit=PAGE_MAX).rows


def counts(*, actor: access.Actor) -> dict[str, int]:
    """Return how many groups have each word, as an account may see them."""
    allowed = access.visible_topics(actor)
    found: dict[str, int] = {}
    groups = Group.objects.filter(gone_at=None).only("id", "topics", "per_topic", "word", "cluster_id")
    for group in groups.iterator(chunk_size=500):
        word = group.word if allowed.is_everything else _word_of_topics(group, allowed)
        if word:
            found[word] = found.get(word, 0) + 1
    return found


def _place(cursor: str) -> tuple[int, int, int] | None:
    if not cursor:
        return None
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise BadCursor
    severity, weight, group_id = map(int, match.groups())
    return severity, weight, group_id


def _page_of_all(wanted: QuerySet[Group], behind: tuple[int, int, int] | None, limit: int) -> list[Row]:
    if behind:
        severity, weight, group_id = behind
        same = Q(severity=severity)
        wanted = wanted.filter(
            Q(severity__lt=severity) | same & Q(weight__lt=weight) | same & Q(weight=weight, id__lt=group_id)
        )
    found = wanted.order_by("-severity", "-weight", "-id")[: limit + 1]
    return [_row_of_all(group) for group in found]


def _page_of_topics(
    wanted: QuerySet[Group], allowed: access.VisibleTopics, behind: tuple[int, int, int] | None, limit: int
) -> list[Row]:
    rows = [row for group in wanted.order_by("id")[:NAMES_MAX] if (row := _row(group, allowed)) is not None]
    rows.sort(key=lambda row: row.place, reverse=True)
    return [row for row in rows if behind is None or row.place < behind][: limit + 1]


def _row(group: Group, allowed: access.VisibleTopics) -> Row | None:
    """The group as an account sees it; None when it sees nothing of it."""
    if allowed.is_everything or all(allowed.allows(topic) for topic in group.topics):
        return _row_of_all(group) if allowed.is_everything or group.topics else None
    seen = _sums_of(group, allowed)
    if not seen:
        return None
    known = [each.lag for each in seen.values() if each.lag is not None]
    slowest = max(
        (each for each in seen.values() if each.lag_s is not None), key=lambda each: each.lag_s or 0, default=None
    )
    word = _worst(seen)
    return Row(
        **_shared(group),
        word=word,
        reason="",
        lag=sum(known) if known else None,
        lag_s=slowest.lag_s if slowest else None,
        at_least=slowest.at_least if slowest else False,
        trend="",
        eta_s=None,
        loss_s=None,
        lost=sum(each.lost for each in seen.values()),
        partitions=sum(each.partitions for each in seen.values()),
        untold=sum(each.untold for each in seen.values()),
        topics=sorted(seen),
        is_limited=True,
    )


def _row_of_all(group: Group) -> Row:
    return Row(
        **_shared(group),
        word=Word(group.word),
        reason=group.reason,
        lag=group.lag,
        lag_s=group.lag_s,
        at_least=group.lag_s_at_least,
        trend=group.trend,
        eta_s=group.eta_s,
        loss_s=group.loss_s,
        lost=group.lost,
        partitions=group.partitions,
        untold=group.untold,
        topics=group.topics,
        is_limited=False,
    )


def _shared(group: Group) -> dict[str, object]:
    return {
        "id": group.pk,
        "cluster": group.cluster_id,
        "name": group.name,
        "state": group.state,
        "protocol": group.protocol,
        "word_since": group.word_since,
        "expires_at": group.expires_at,
        "points": (),
        "polled_at": group.polled_at,
        "gone_at": group.gone_at,
    }


def _sums_of(group: Group, allowed: access.VisibleTopics) -> dict[str, TopicSum]:
    return {topic: TopicSum(*each) for topic, each in group.per_topic.items() if allowed.allows(topic)}


def _word_of_topics(group: Group, allowed: access.VisibleTopics) -> str:
    seen = _sums_of(group, allowed)
    return _worst(seen).value if seen else ""


def _worst(seen: dict[str, TopicSum]) -> Word:
    return max((Word(each.word) for each in seen.values()), key=verdict.SEVERITY.__getitem__)


def _with_points(rows: Iterable[Row], allowed: access.VisibleTopics) -> list[Row]:
    listed = list(rows)
    points = series.last_hour([row.id for row in listed], allowed=allowed)
    return [replace(row, points=points.get(row.id, ())) for row in listed]
