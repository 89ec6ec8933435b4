"""A consumer group as an account may see it: whole, or only what of it belongs to the account's topics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from reliability import access
from reliability.lag.domain import verdict
from reliability.lag.domain.summary import MemberRow, PartitionRow, TopicSum
from reliability.lag.domain.values import Word
from reliability.lag.models import Group

LISTED = (
    "id", "cluster_id", "name", "state", "protocol", "word", "word_since", "reason", "severity", "lag", "weight",
    "lag_s", "lag_s_at_least", "trend", "eta_s", "loss_s", "lost", "expires_at", "partitions", "untold", "topics",
    "per_topic", "facts", "polled_at", "gone_at",
)  # fmt: skip
"""The columns a row is made of; partitions, members and windows are large, and left out of lists."""
MEMBERS_COUNT = "members_count"
"""The annotation that stands for the members where these are left out."""
_WITHOUT_MEMBERS = frozenset({"empty", "dead"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A group as shown. ``points`` are its lag at the end of each of the last 60 minutes, None where nobody looked.

    For an account that sees some topics only every figure is that of these, and what is of the group as a whole (its
    reason, members, trend and forecasts) is left out: ``is_limited``. ``members`` is None when it is not known.
    """

    id: int
    cluster: str
    name: str
    state: str
    protocol: str
    word: Word
    word_since: datetime | None
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
    members: int | None
    inflow_per_s: float | None
    consumed_per_s: float | None
    topics: Sequence[str]
    points: Sequence[float | None]
    polled_at: datetime
    gone_at: datetime | None
    is_limited: bool

    @property
    def status(self) -> verdict.Status:
        """The console's status of the word."""
        return verdict.status_of(self.word)

    @property
    def place(self) -> tuple[int, int, int]:
        """Where it stands in a list."""
        return verdict.SEVERITY[self.word], self.lag or 0, self.id

    @property
    def is_in_trouble(self) -> bool:
        """Whether somebody should look at it."""
        return self.word is Word.WARN or self.word in verdict.ERRORS

    @property
    def growth_per_s(self) -> float | None:
        """How many more records come in than are read, a second."""
        if self.inflow_per_s is None or self.consumed_per_s is None:
            return None
        return self.inflow_per_s - self.consumed_per_s


def row_of(group: Group, allowed: access.VisibleTopics) -> Row | None:
    """Return the group as an account sees it; None when it sees nothing of it."""
    if allowed.is_everything:
        return row_of_all(group)
    if group.topics and all(allowed.allows(topic) for topic in group.topics):
        return row_of_all(group)
    seen = {topic: TopicSum(*each) for topic, each in group.per_topic.items() if allowed.allows(topic)}
    return _row_of_some(group, seen) if seen else None


def row_of_all(group: Group) -> Row:
    """Return the group with everything that is known of it."""
    return Row(
        **_shared(group),
        word=Word(group.word),
        word_since=group.word_since,
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
        members=_members(group),
        inflow_per_s=number_in(group.facts, "inflow_per_s"),
        consumed_per_s=number_in(group.facts, "consumed_per_s"),
        topics=group.topics,
        is_limited=False,
    )


def _row_of_some(group: Group, seen: Mapping[str, TopicSum]) -> Row:
    known = [each.lag for each in seen.values() if each.lag is not None]
    slowest = max(
        (each for each in seen.values() if each.lag_s is not None), key=lambda each: each.lag_s or 0, default=None
    )
    return Row(
        **_shared(group),
        word=max((Word(each.word) for each in seen.values()), key=verdict.SEVERITY.__getitem__),
        word_since=None,
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
        members=None,
        inflow_per_s=None,
        consumed_per_s=None,
        topics=sorted(seen),
        is_limited=True,
    )


def parts_of(group: Group, row: Row, allowed: access.VisibleTopics) -> tuple[list[PartitionRow], list[MemberRow]]:
    """Return partitions and members; of a limited row those of its topics, and who owns one of them."""
    rows = [PartitionRow(*each) for each in group.rows]
    members = [MemberRow(*each) for each in group.members]
    if not row.is_limited:
        return rows, members
    rows = [each for each in rows if allowed.allows(each.topic)]
    owners = sorted({each.owner for each in rows if 0 <= each.owner < len(members)})
    places = {owner: place for place, owner in enumerate(owners)}
    return (
        [each._replace(owner=places.get(each.owner, each.owner)) for each in rows],
        [_limited(members[owner], [each for each in rows if each.owner == owner]) for owner in owners],
    )


def _limited(member: MemberRow, owned: Sequence[PartitionRow]) -> MemberRow:
    known = [each.lag for each in owned if each.lag is not None]
    return member._replace(owns=len(owned), lag=sum(known) if known else None, moving=0)


def number_in(facts: Mapping[str, object], key: str) -> float | None:
    """Return a number of a group's facts; None where there is none."""
    found = facts.get(key)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def with_points(rows: Sequence[Row], points: Mapping[int, Sequence[float | None]]) -> list[Row]:
    """Return the rows with their last hour."""
    return [replace(row, points=points.get(row.id, ())) for row in rows]


def _members(group: Group) -> int | None:
    count: int | None = group.__dict__.get(MEMBERS_COUNT)
    if count is None:
        count = len(group.members)
    return count if count or group.state.lower() in _WITHOUT_MEMBERS else None


def _shared(group: Group) -> dict[str, Any]:
    return {
        "id": group.pk,
        "cluster": group.cluster_id,
        "name": group.name,
        "state": group.state,
        "protocol": group.protocol,
        "expires_at": group.expires_at,
        "points": (),
        "polled_at": group.polled_at,
        "gone_at": group.gone_at,
    }
