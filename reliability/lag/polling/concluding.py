"""From judged partitions to what a group's row says: trend, forecasts, advice, and what has happened since."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from reliability.kafka import ports
from reliability.kernel.record import TopicPartition
from reliability.lag.domain import advisor, alerting, loss, members, schedule, trend, verdict
from reliability.lag.domain.history import Bucket
from reliability.lag.domain.summary import PartitionRow, Summary, TopicSum
from reliability.lag.domain.time_lag import TimeLag
from reliability.lag.domain.values import WINDOW, Word
from reliability.lag.models.events import Kind
from reliability.lag.operations.recording import AlertState, GroupState, Happened
from reliability.lag.polling import judging, minutes, telling
from reliability.lag.polling.judging import Judged
from reliability.lag.polling.markers import Markers
from reliability.lag.polling.reading import Look
from reliability.lag.polling.remembering import Memory, Remembered

_IN_MOTION = frozenset({"preparing_rebalance", "completing_rebalance", "assigning", "reconciling"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Concluded:
    """What a look is worth writing down."""

    groups: list[GroupState]
    happened: list[Happened]
    alerts: list[AlertState]
    minutes: list[tuple[str, str, Bucket]]
    """Group, topic and minute of those that are over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What is the same for all groups of a look."""

    look: Look
    memory: Memory
    now: datetime
    offsets_kept_s: float | None
    markers: Markers
    rules: tuple[alerting.Rule, ...]
    muted: Mapping[str, float]
    """Groups of which nobody is told, and until when (Unix seconds)."""


def conclude(context: Context, *, due: Collection[str], with_windows: bool) -> Concluded:
    """Judge the groups that were due, remember what they showed, and note those that are gone."""
    groups, happened, alerts, over = [], [], [], []
    for name in due:
        group = context.memory.of(name)
        summary = _summary(name, group, context)
        ended = minutes.note(group, summary.rows, summary.per_topic, at_s=context.look.at_s)
        over += [(name, topic, bucket) for topic, bucket in ended]
        told = telling.step(
            summary,
            group.alerts,
            given=context.rules,
            muted_until_s=context.muted.get(name, 0.0),
            at_s=context.look.at_s,
        )
        alerts += told.states
        happened += told.happened + _verdict_changes(name, group, summary, context.now)
        group.first_seen = group.first_seen or context.now
        groups.append(
            GroupState(
                summary=summary,
                word_since=group.word_since or context.now,
                first_seen=group.first_seen,
                polled_at=context.now,
                window=group.window.pack() if with_windows else None,
            )
        )
        happened += _rebalances(name, group, context)
    for name in [name for name in context.memory.groups if name not in context.look.listed]:
        state = _gone(name, context.memory.groups.pop(name), context.now)
        if state is not None:
            groups.append(state)
            happened.append(_happened(name, context.now, Kind.STATE, "paused", "the group is gone"))
    return Concluded(groups=groups, happened=happened, alerts=alerts, minutes=over)


def _summary(name: str, group: Remembered, context: Context) -> Summary:
    look = context.look
    seen = judging.seen_offsets(name, look)
    markers = context.markers.among(seen, group.window)
    # Where only markers wait all is read: else the first record behind them would seem to have waited as long.
    group.window.add(look.at_s, {place: (at, at if place in markers else end) for place, (at, end) in seen.items()})
    judged = judging.judge(name, look, window=group.window, tracks=context.memory.tracks, markers=markers)
    known = [row.lag for row in judged.rows if row.lag is not None]
    lag = sum(known) if known else None
    slowest = max((row for row in judged.rows if row.lag_s is not None), key=lambda row: row.lag_s or 0.0, default=None)
    if lag is not None:
        group.points.append((look.at_s, float(lag)))
    if slowest is not None and slowest.lag_s is not None:
        group.ages.append((look.at_s, slowest.lag_s))
    group.places = {TopicPartition(row.topic, row.partition): row.committed for row in judged.rows}
    group.is_hot = _is_hot(group, judged, look)
    listing = look.listed[name]
    group.state = listing.state
    is_empty = listing.state == "empty"
    group.empty_since_s = (group.empty_since_s or look.at_s) if is_empty else None
    description = look.described.get(name)
    told = description if isinstance(description, ports.GroupDescription) else None
    forecast = _forecast(judged.rows, group, context) if lag else None
    direction = trend.direction(group.points)
    return Summary(
        name=name,
        state=told.state if told else listing.state,
        protocol=listing.protocol,
        type=listing.type,
        assignor=told.assignor if told else "",
        coordinator=told.coordinator if told else -1,
        word=judged.word,
        reason=judged.reason,
        lag=lag,
        lag_s=slowest.lag_s if slowest else None,
        at_least=slowest.at_least if slowest else False,
        trend=direction.value if direction else "",
        eta_s=trend.eta_s(float(lag), group.points) if lag else None,
        loss_s=forecast.seconds if forecast else None,
        lost=sum(row.lost for row in judged.rows),
        expires_in_s=loss.expiry_s(
            empty_since_s=group.empty_since_s, offsets_kept_s=context.offsets_kept_s, now_s=look.at_s
        ),
        empty_since_s=group.empty_since_s,
        rows=judged.rows,
        members=judged.members,
        per_topic=judging.sums(judged),
        facts=_facts(judged, group, told, lag=lag, forecast=forecast),
    )


def _is_hot(group: Remembered, judged: Judged, look: Look) -> bool:
    """A group is hot while one of its partitions is, or while its members change places."""
    if look.listed and group.state in _IN_MOTION:
        return True
    # The end, not the readable one: behind a transaction that does not end nothing seems to wait.
    places = ((TopicPartition(row.topic, row.partition), row) for row in judged.rows)
    return any(
        schedule.is_hot(group.window.of(place), end=row.end, looks=group.window.looks)
        for place, row in places
        if row.committed != row.end or group.window.looks < WINDOW or group.window.moved(place)
    )


def _forecast(rows: list[PartitionRow], group: Remembered, context: Context) -> loss.Forecast | None:
    """The soonest loss among the partitions that lag."""
    growth = trend.slope(group.ages)
    found = []
    for row in rows:
        kept = context.memory.retention.get(row.topic)
        if not row.lag or row.committed is None or not isinstance(kept, ports.Retention) or not kept.deletes:
            continue
        place = TopicPartition(row.topic, row.partition)
        window = group.window.of(place)
        moved = (window[-1].committed - window[0].committed) if len(window) > 1 else 0
        span_s = (window[-1].at_s - window[0].at_s) if len(window) > 1 else 0.0
        found.append(
            loss.forecast(
                time_lag=None if row.lag_s is None else TimeLag(row.lag_s, at_least=row.at_least),
                growth=1.0 if span_s and not moved else growth,
                retention_s=None if kept.ms is None else kept.ms / 1000,
                margin=None if row.start is None else row.committed - row.start,
                start_rate=context.memory.start_rate(place, row.start, at_s=context.look.at_s),
                commit_rate=moved / span_s if span_s else None,
            )
        )
    return min((each for each in found if each is not None), default=None)


def _facts(
    judged: Judged,
    group: Remembered,
    description: ports.GroupDescription | None,
    *,
    lag: int | None,
    forecast: loss.Forecast | None,
) -> dict[str, object]:
    facts: dict[str, object] = {}
    rates = group.window.rates()
    if rates is not None:
        facts |= {"inflow_per_s": round(rates[0], 2), "consumed_per_s": round(rates[1], 2)}
    if judged.problem:
        facts["problem"] = judged.problem
    if forecast is not None:
        facts |= {"loss_by": forecast.by, "loss_at_most": forecast.at_most}
    if description is None:
        return facts
    working = sum(1 for member in description.members if member.owns)
    speed = advisor.per_member(consumed_per_s=rates[1] if rates and lag else None, working=working)
    advice = advisor.advise(
        inflow_per_s=rates[0] if rates else None,
        per_member_per_s=speed,
        lag=lag,
        partitions=len(judged.rows),
        members=len(description.members),
    )
    skew = members.skew(description.members, {TopicPartition(row.topic, row.partition): row.lag for row in judged.rows})
    idle = members.idle(description.members)
    facts |= {"advice": advice.text, "idle": len(idle)}
    facts |= {
        name: round(value, 2) for name, value in (("skew", skew.owned), ("lag_skew", skew.lag)) if value is not None
    }
    return facts


# --- what has happened


def _verdict_changes(name: str, group: Remembered, summary: Summary, now: datetime) -> list[Happened]:
    """A word that changed, told once it means something: measuring is no news."""
    if group.word is summary.word:
        return []
    was, group.word, group.word_since = group.word, summary.word, now
    told = {Word.UNKNOWN, None}
    if was in told and verdict.status_of(summary.word) in ("ok", "paused"):
        return []
    if summary.word is Word.UNKNOWN:
        return []
    status = verdict.status_of(summary.word)
    return [_happened(name, now, Kind.VERDICT, status, f"{summary.word.value}: {summary.reason}")]


def _rebalances(name: str, group: Remembered, context: Context) -> list[Happened]:
    """What changed between two descriptions of a group at rest; in between it describes members without partitions."""
    description = context.look.described.get(name)
    if not isinstance(description, ports.GroupDescription):
        return []
    before = group.description
    if description.state in _IN_MOTION:
        group.unrest_s = group.unrest_s or context.look.at_s
        return []
    group.description = description
    if before is None:
        return []
    changes = members.diff(before.members, description.members)
    text = members.rebalance_text(changes)
    took_s = context.look.at_s - group.unrest_s if group.unrest_s else None
    group.unrest_s = None
    if not text:
        return []
    facts: dict[str, object] = {"members": len(description.members)}
    if took_s is not None:
        facts["took_s"] = round(took_s, 1)
    return [_happened(name, context.now, Kind.REBALANCE, "prog", text, facts)]


def _gone(name: str, group: Remembered, now: datetime) -> GroupState | None:
    """The last line about a group that a cluster lists no more; None when nothing was ever written of it."""
    if group.first_seen is None:
        return None
    summary = Summary(
        name=name,
        state="dead",
        protocol=group.description.protocol if group.description else "unknown",
        type="",
        assignor="",
        coordinator=-1,
        word=Word.DEAD,
        reason="the group is gone: it was deleted, or its commits expired",
        lag=None,
        lag_s=None,
        at_least=False,
        trend="",
        eta_s=None,
        loss_s=None,
        lost=0,
        expires_in_s=None,
        empty_since_s=None,
        rows=[],
        members=[],
        per_topic=_of_topics(group.places),
    )
    return GroupState(
        summary=summary, word_since=now, first_seen=group.first_seen, polled_at=now, window=b"", gone_at=now
    )


def _of_topics(places: Mapping[TopicPartition, int | None]) -> dict[str, TopicSum]:
    """Its topics stay known, so that who may not see them does not see that it is gone."""
    return {place.topic: TopicSum(None, None, False, Word.DEAD.value, 0, 0, 0) for place in places}


def _happened(
    name: str, now: datetime, kind: Kind, status: str, text: str, facts: Mapping[str, object] | None = None
) -> Happened:
    return Happened(group=name, at=now, kind=kind.value, status=status, text=text, facts=facts or {})
