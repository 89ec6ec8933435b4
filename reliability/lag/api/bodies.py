"""What the lag room shows over REST, and how it is made from its rows."""

from __future__ import annotations

from datetime import datetime

from ninja import Field, Schema

from reliability import access
from reliability.kernel import clock
from reliability.lag.domain.summary import MemberRow, PartitionRow
from reliability.lag.domain.values import Word
from reliability.lag.models import Alert, Group, Mute
from reliability.lag.queries import alerts, groups, history
from reliability.lag.queries.rows import Row


class LagGroup(Schema):
    """A consumer group. What is null is not known: a lag that is not known is never 0."""

    id: int
    cluster: str
    name: str
    state: str
    protocol: str
    word: Word
    status: str
    word_since: datetime | None
    reason: str
    lag: int | None = Field(description="Records that wait.")
    lag_seconds: float | None = Field(description="For how long the oldest of them waits.")
    lag_seconds_at_least: bool = Field(description="It waits for so long or longer: nobody watched when it came.")
    trend: str
    eta_seconds: float | None = Field(description="Until it has caught up, if all goes on as it does.")
    loss_seconds: float | None = Field(description="Until retention deletes what it has not read.")
    lost: int = Field(description="Records deleted before they were read.")
    inflow_per_second: float | None
    consumed_per_second: float | None
    partitions: int
    partitions_untold: int = Field(description="Partitions of which something could not be told.")
    members: int | None
    topics: list[str]
    expires_at: datetime | None = Field(description="When the broker deletes the commits of an empty group.")
    polled_at: datetime
    gone_at: datetime | None
    limited: bool = Field(description="You see some topics only: figures are of these, what is of the whole is null.")
    points: list[float | None] = Field(description="Lag at the end of each of the last 60 minutes.")


class LagGroups(Schema):
    """A page of groups, the worst first; ``next`` is the following page's ``cursor``."""

    items: list[LagGroup]
    next: str | None


class LagPartition(Schema):
    """A partition of a group. ``owner``: the member's place in ``member_rows``; null: nobody, or it is not known."""

    topic: str
    partition: int
    word: Word
    reason: str
    committed: int | None
    start: int | None
    end: int | None
    stable_end: int | None
    lag: int | None
    lag_seconds: float | None
    lag_seconds_at_least: bool
    lost: int
    owner: int | None
    leader: int | None


class LagMember(Schema):
    """A member. ``moving``: partitions on their way to or from it."""

    id: str
    client_id: str
    host: str
    instance_id: str | None
    owns: int
    lag: int | None
    moving: int


class LagCause(Schema):
    """What another room knows that may explain where a group stands."""

    kind: str
    text: str
    since: datetime | None
    severity: str
    url: str


class LagAlert(Schema):
    """What is told of a group. ``kind``: ``verdict``, ``time_lag``, ``eta`` or ``loss``."""

    kind: str
    text: str
    raised_at: datetime | None


class LagMute(Schema):
    """Nobody is told of a group until then. ``reason`` is empty for who sees a part of the group only."""

    until: datetime
    by: str
    reason: str

    @staticmethod
    def of(made: Mute, *, is_limited: bool = False) -> LagMute:
        """Return a mute as the API shows it."""
        return LagMute(until=made.until, by=made.by, reason="" if is_limited else made.reason)


class LagGroupWhole(LagGroup):
    """A group with its parts. ``facts``: rates, advice, what could not be told; it and alerts: empty if ``limited``."""

    assignor: str
    coordinator: int | None
    partition_rows: list[LagPartition]
    member_rows: list[LagMember]
    causes: list[LagCause]
    alerts: list[LagAlert] = Field(description="Those that are up, the newest first.")
    mute: LagMute | None
    facts: dict[str, object]


def paged(page: groups.Page) -> LagGroups:
    """Return a page of groups as the API shows it."""
    return LagGroups(items=[shown(row) for row in page.rows], next=page.next)


def shown(row: Row) -> LagGroup:
    """Return a group as the API shows it."""
    return LagGroup(**fields(row))  # type: ignore[arg-type]  # pydantic checks each of them


def whole(
    row: Row,
    group: Group,
    partitions: list[PartitionRow],
    members: list[MemberRow],
    *,
    actor: access.Actor,
) -> LagGroupWhole:
    """Return a group with its parts as the API shows it to the actor."""
    mute = alerts.muted([row.id], now=clock.SYSTEM.now()).get(row.id)
    return LagGroupWhole(
        **fields(row),  # type: ignore[arg-type]  # pydantic checks each of them
        assignor="" if row.is_limited else group.assignor,
        coordinator=group.coordinator if group.coordinator >= 0 and not row.is_limited else None,
        partition_rows=[_partition(each) for each in partitions],
        member_rows=[LagMember(**each._asdict()) for each in members],
        causes=[
            LagCause(kind=each.kind, text=each.text, since=each.since, severity=each.severity, url=each.url)
            for each in history.causes(actor=actor, row=row).facts
        ],
        alerts=[] if row.is_limited else [alert(each) for each in alerts.raised(group_id=row.id)],
        mute=LagMute.of(mute, is_limited=row.is_limited) if mute else None,
        facts={} if row.is_limited else group.facts,
    )


def alert(made: Alert) -> LagAlert:
    """Return an alert as the API shows it."""
    return LagAlert(kind=made.kind, text=made.text, raised_at=made.raised_at)


def fields(row: Row) -> dict[str, object]:
    """Return what every form of a group has."""
    return {
        "id": row.id,
        "cluster": row.cluster,
        "name": row.name,
        "state": row.state,
        "protocol": row.protocol,
        "word": row.word,
        "status": row.status,
        "word_since": row.word_since,
        "reason": row.reason,
        "lag": row.lag,
        "lag_seconds": row.lag_s,
        "lag_seconds_at_least": row.at_least,
        "trend": row.trend,
        "eta_seconds": row.eta_s,
        "loss_seconds": row.loss_s,
        "lost": row.lost,
        "inflow_per_second": row.inflow_per_s,
        "consumed_per_second": row.consumed_per_s,
        "partitions": row.partitions,
        "partitions_untold": row.untold,
        "members": row.members,
        "topics": list(row.topics),
        "expires_at": row.expires_at,
        "polled_at": row.polled_at,
        "gone_at": row.gone_at,
        "limited": row.is_limited,
        "points": list(row.points),
    }


def _partition(row: PartitionRow) -> LagPartition:
    return LagPartition(
        topic=row.topic,
        partition=row.partition,
        word=Word(row.word),
        reason=row.reason,
        committed=row.committed,
        start=row.start,
        end=row.end,
        stable_end=row.stable,
        lag=row.lag,
        lag_seconds=row.lag_s,
        lag_seconds_at_least=row.at_least,
        lost=row.lost,
        owner=row.owner if row.owner >= 0 else None,
        leader=row.leader if row.leader >= 0 else None,
    )
