"""A group as its row and its page say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from reliability.lag.domain import sentences
from reliability.lag.domain.values import Word
from reliability.lag.models import Group
from reliability.lag.queries.clusters import Polling
from reliability.lag.queries.rows import Row

TOPICS_NAMED = 3
_PLAIN_STATES = {"preparingrebalance": "rebalancing", "completingrebalance": "rebalancing"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A row in words. ``is_old``: its figures are not those of now, and are drawn so."""

    row: Row
    label: str
    why: str
    kind: str
    lag: str
    behind: str
    course: str
    loss: str
    members: str
    is_old: bool

    @property
    def growing(self) -> bool:
        """Whether the trend is a bad one."""
        return self.row.trend == "growing" and bool(self.row.lag)


def shown(row: Row, polling: Polling, *, now: datetime) -> Shown:
    """Return a group in words."""
    return Shown(
        row=row,
        label=sentences.LABELS[row.word],
        why=row.reason or topics_in_words(row),
        kind=kind_in_words(row),
        lag=waiting(row),
        behind=behind(row),
        course=sentences.course(trend=row.trend, lag=row.lag, eta_s=row.eta_s, growth_per_s=row.growth_per_s),
        loss=loss(row),
        members=members(row),
        is_old=row.gone_at is None and polling.is_old(row.cluster, row.polled_at, now=now),
    )


def waiting(row: Row) -> str:
    """Return how many records wait: at least so many, where that of some partitions cannot be told."""
    return f"≥ {sentences.count(row.lag)}" if row.lag is not None and row.untold else sentences.count(row.lag)


def behind(row: Row) -> str:
    """Return how far behind in time; nothing is behind where nothing waits."""
    if row.lag == 0:
        return sentences.span(0.0, at_least=row.untold > 0)
    return sentences.span(row.lag_s, at_least=row.at_least)


def loss(row: Row) -> str:
    """Return what was lost, or when something will be."""
    if row.word is Word.TRUNCATED and row.lost:
        return f"{sentences.records(row.lost)} lost"
    return sentences.loss(row.loss_s)


def members(row: Row) -> str:
    """Return how many members; "?" when that is not known."""
    return "?" if row.members is None else f"{row.members:,}"


def kind_in_words(row: Row) -> str:
    """Return state and protocol: "stable, classic"."""
    state = _PLAIN_STATES.get(row.state.lower(), row.state.lower()) or "state not known"
    return ", ".join(part for part in (state, row.protocol) if part and part != "unknown")


def topics_in_words(row: Row) -> str:
    """Return the first topics of a group."""
    more = len(row.topics) - TOPICS_NAMED
    return ", ".join(row.topics[:TOPICS_NAMED]) + (f" and {more} more" if more > 0 else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of a group's page; ``kind`` is a status, "" for a plain one."""

    value: str
    text: str
    kind: str = ""


def figures(row: Row, facts: Mapping[str, object]) -> list[Figure]:
    """Return the numbers at the top of a group's page; of a part of a group only those that can be told of it."""
    trouble = row.status if row.is_in_trouble else ""
    found = [
        Figure(value=_short(waiting(row)), text="records behind", kind=trouble if row.lag else ""),
        Figure(value=_short(behind(row)), text="behind in time", kind=trouble if row.lag_s else ""),
    ]
    if row.is_limited:
        return [*found, Figure(value=f"{row.partitions:,}", text="partitions of your topics")]
    return [
        *found,
        Figure(value=_short(sentences.rate(row.inflow_per_s)), text="come in"),
        Figure(value=_short(sentences.rate(row.consumed_per_s)), text="are read"),
        _eta(row),
        _loss(row, facts),
        Figure(value=members(row), text="member" if row.members == 1 else "members"),
    ]


def _eta(row: Row) -> Figure:
    if row.untold:
        return Figure(value="?", text="until caught up: not all of its lag is known")
    if row.lag == 0:
        return Figure(value="—", text="nothing to drain")
    if row.eta_s is not None:
        return Figure(value=f"~{sentences.span(row.eta_s)}", text="until it has caught up", kind="prog")
    if row.trend == "growing":
        growth = row.growth_per_s
        pace = f"growing {sentences.rate(growth)}" if growth is not None and growth > 0 else "growing"
        return Figure(value="never", text=f"at this pace: {pace}", kind="warn")
    return Figure(value="?", text=f"until caught up{': steady' if row.trend == 'steady' else ', cannot be told'}")


def _loss(row: Row, facts: Mapping[str, object]) -> Figure:
    if row.lost:
        return Figure(value=f"{row.lost:,}", text="records deleted unread", kind="crit")
    if row.loss_s is None:
        if row.lag is None or row.untold or facts.get("retention_unknown") is True:
            return Figure(value="?", text="whether records will be lost cannot be told")
        return Figure(value="—", text="no loss in sight")
    sign = "≤ " if facts.get("loss_at_most") is True else "~"
    when = "now" if row.loss_s <= 0 else f"{sign}{sentences.span(row.loss_s)}"
    by = {"time": " by age", "size": " by size"}.get(str(facts.get("loss_by", "")), "")
    return Figure(value=when, text=f"until records are deleted unread{by}", kind="crit")


def _short(text: str) -> str:
    """A figure that is not known is a question mark, with the words below it."""
    return "?" if text == sentences.NOT_KNOWN else text


def facts(row: Row, group: Group) -> list[tuple[str, str]]:
    """Return what else is known of a group: name and value."""
    return [
        ("Cluster", row.cluster),
        ("State", kind_in_words(row)),
        ("Kind", group.type or "not told"),
        ("Assignor", group.assignor or "not told"),
        ("Coordinator", f"broker {group.coordinator}" if group.coordinator >= 0 else "not told"),
        ("Partitions", f"{row.partitions:,}" + (f", {row.untold:,} of them not known in part" if row.untold else "")),
    ]
