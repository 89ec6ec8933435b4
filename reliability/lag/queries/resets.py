"""Resets to look at, as an account may see them: partitions of its topics only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from reliability import access
from reliability.kernel.errors import Refused
from reliability.kernel.record import TopicPartition
from reliability.lag.domain import reset_words
from reliability.lag.domain.pace import under_load
from reliability.lag.domain.reset import Row
from reliability.lag.models import Group, Reset
from reliability.lag.models.resets import State
from reliability.lag.queries import rows as group_rows
from reliability.lag.queries import series

LISTED_MAX, LOOKED_AT_MAX = 20, 500
FRESH = timedelta(minutes=15)
"""A plan that was looked at longer ago is about another log."""
_PACE_OF = timedelta(hours=24) - timedelta(minutes=1)  # a minute less, so that it is of the finer table


class NoSuchReset(Refused):
    """There is no such reset: it was replaced by a newer preview, or it is of topics that you may not see."""

    code = "no-such-reset"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A reset as an account sees it. Figures are of ``rows``; ``hidden``: rows of topics it may not see.

    ``topics``: those of its topics that the account sees. ``reason`` is empty where it does not see all of them.
    """

    made: Reset
    topics: Sequence[str]
    reason: str
    rows: Sequence[Row]
    hidden: int
    forget: Sequence[TopicPartition]
    outcome: Mapping[str, str]
    undone_by: Reset | None
    """The reset that took it back, or is about to; never one that was only looked at."""
    may_act: bool

    @property
    def replayed(self) -> int:
        return sum(row.replayed for row in self.rows)

    @property
    def skipped(self) -> int:
        return sum(row.skipped for row in self.rows)

    @property
    def can_be_undone(self) -> bool:
        """Whether there is a way back; not whether this account may take it."""
        return self.made.state in (State.APPLIED, State.PARTLY) and self.undone_by is None

    def is_old(self, *, now: datetime) -> bool:
        """Whether it was looked at too long ago to be applied."""
        return self.made.state == State.PLANNED and now - self.made.planned_at > FRESH


def one(*, actor: access.Actor, reset_id: int) -> Seen:
    """Return a reset. Raises ``NoSuchReset``."""
    made = Reset.objects.select_related("group").filter(pk=reset_id).first()
    seen = _seen(made, actor) if made is not None else None
    if seen is None:
        raise NoSuchReset
    return seen


def of_group(*, actor: access.Actor, group_id: int, now: datetime, limit: int = LISTED_MAX) -> Sequence[Seen]:
    """Return the newest resets of a group, without previews that are too old to be applied."""
    wanted = Reset.objects.select_related("group").filter(group_id=group_id)
    wanted = wanted.filter(~Q(state=State.PLANNED) | Q(planned_at__gt=now - FRESH)).order_by("-pk")[:LOOKED_AT_MAX]
    return [seen for made in wanted if (seen := _seen(made, actor)) is not None][:limit]


def forecast(*, actor: access.Actor, seen: Seen, now: datetime) -> str:
    """Return how long what then waits takes, in words; "" for a reset that is no plan any more."""
    if seen.made.state != State.PLANNED:
        return ""
    allowed, group = access.visible_topics(actor), seen.made.group
    row = group_rows.row_of(group, allowed)
    return reset_words.drain(
        waiting=reset_words.waiting(seen.rows),
        reads_per_s=_reads_per_s(group, allowed, now),
        comes_per_s=row.inflow_per_s if row is not None else None,
    )


def _reads_per_s(group: Group, allowed: access.VisibleTopics, now: datetime) -> float | None:
    """How fast it read in its last day, in minutes without a reset: it stands still now."""
    chart = series.chart(group_id=group.pk, since=now - _PACE_OF, until=now, allowed=allowed)
    set_at = Reset.objects.filter(group=group, applied_at__gt=now - timedelta(hours=25)).values_list(
        "applied_at", flat=True
    )
    steps = [int(at.timestamp() - chart.at[0]) // chart.step_s for at in set_at if at is not None]
    # A look may see it in the minute after.
    without = {step + later for step in steps for later in (0, 1)}
    return under_load(chart.lag, chart.consumed, step_s=chart.step_s, without=without)


def _seen(made: Reset, actor: access.Actor) -> Seen | None:
    allowed = access.visible_topics(actor)
    if not allowed.is_everything and not any(allowed.allows(topic) for topic in made.topics):
        return None
    rows = [Row(*each) for each in made.rows]
    shown = [row for row in rows if allowed.allows(row.topic)]
    names = {f"{row.topic} {row.partition}" for row in shown}
    undone = Reset.objects.filter(undoes=made).exclude(state__in=(State.PLANNED, State.REFUSED)).first()
    topics = [topic for topic in made.topics if allowed.allows(topic)]
    return Seen(
        made=made,
        topics=topics,
        reason=made.reason if len(topics) == len(made.topics) else "",
        rows=shown,
        hidden=len(rows) - len(shown),
        forget=[TopicPartition(*each) for each in made.forget if allowed.allows(each[0])],
        outcome={name: why for name, why in made.outcome.items() if name in names},
        undone_by=undone,
        may_act=access.may(actor, "lag.reset", topics=made.topics),
    )
