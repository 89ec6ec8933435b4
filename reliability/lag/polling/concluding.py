"""From judged partitions to what a group's row says: trend, forecasts, advice, and what has happened since."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

import structlog

from reliability.kafka import ports
from reliability.kernel.record import TopicPartition
from reliability.lag.domain import alerting, loss, schedule, trend, verdict
from reliability.lag.domain.alerting import Phase
from reliability.lag.domain.history import Bucket
from reliability.lag.domain.summary import PartitionRow, Summary, TopicSum
from reliability.lag.domain.time_lag import TimeLag
from reliability.lag.domain.values import WINDOW
from reliability.lag.models.events import Kind
from reliability.lag.operations.group_rows import GroupState
from reliability.lag.operations.recording import AlertState, Happened
from reliability.lag.polling import facts, judging, minutes, noticing, telling
from reliability.lag.polling.judging import Judged
from reliability.lag.polling.markers import Markers
from reliability.lag.polling.reading import Look
from reliability.lag.polling.remembering import Memory, Remembered
from reliability.lag.polling.transactions import Transactions

log = structlog.get_logger(__name__)

MISSED_MAX = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Concluded:
    """What a look is worth writing down."""

    groups: list[GroupState]
    unchanged: list[int]
    """Ids of groups that read everything, as they did."""
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
    transactions: Transactions
    rules: tuple[alerting.Rule, ...]
    muted: Mapping[str, float]
    """Groups of which nobody is told, and until when (Unix seconds)."""


def conclude(context: Context, *, due: Collection[str], with_windows: bool) -> Concluded:
    """Judge the groups that were due, remember what they showed, and note those that are gone."""
    found = Concluded(groups=[], unchanged=[], happened=[], alerts=[], minutes=[])
    stable, ends = context.look.stable, context.look.ends
    settled = {place: end for place, end in stable.items() if ends.get(place) == end}
    for name in due:
        group = context.memory.of(name)
        if group.id is not None and _is_unchanged(name, group, context.look, settled=settled):
            found.unchanged.append(group.id)
            _note_minutes(name, group, (), found, context)
        else:
            _concluded(name, group, found, context, with_windows=with_windows)
    for name in list(context.memory.groups):
        if not _is_gone(context.memory.groups[name], is_listed=name in context.look.listed):
            continue
        state = noticing.gone(name, context.memory.groups.pop(name), context.now)
        if state is not None:
            found.groups.append(state)
            line = noticing.happened(name, context.now, Kind.STATE, "paused", "the group is gone")
            found.happened.append(replace(line, topics=sorted(state.summary.per_topic)))
    return found


def _is_gone(group: Remembered, *, is_listed: bool) -> bool:
    """Twice not listed: a broker leaves out what it is just taking over."""
    group.missed = 0 if is_listed else group.missed + 1
    return group.missed >= MISSED_MAX


def _concluded(name: str, group: Remembered, found: Concluded, context: Context, *, with_windows: bool) -> None:
    alerts, told, word = dict(group.alerts), len(found.alerts), (group.word, group.word_since)
    try:
        _conclude_one(name, group, found, context, with_windows=with_windows)
    except Exception:  # the edge between groups: one that nobody thought of must not hide the others
        log.exception("lag_group_not_judged", group=name)
        # What is not written down was not told: the next look tells it.
        group.alerts, (group.word, group.word_since) = alerts, word
        del found.alerts[told:]


def _is_unchanged(
    name: str, group: Remembered, look: Look, *, settled: Mapping[TopicPartition, int | ports.Problem]
) -> bool:
    """Whether a quiet group is exactly as it was: most groups of a large cluster, most of the time.

    ``settled``: ends of logs behind which no transaction is open.
    """
    if group.is_hot or look.commits.get(name) != group.commits or look.described.get(name) != group.description:
        return False
    if look.listed[name].state != group.state or any(map(_is_under_way, group.alerts.values())):
        return False
    return group.places.items() <= settled.items()


def _is_under_way(alert: alerting.State) -> bool:
    """Whether a look may change it, or there is something left to tell."""
    return alert.phase != Phase.QUIET or alert.told


def _conclude_one(name: str, group: Remembered, found: Concluded, context: Context, *, with_windows: bool) -> None:
    before = {place.topic for place in group.places}
    summary = _summary(name, group, context)
    group.per_topic = summary.per_topic
    topics = sorted(before | summary.per_topic.keys())
    _note_minutes(name, group, summary.rows, found, context)
    told = telling.step(
        summary,
        group.alerts,
        given=context.rules,
        muted_until_s=context.muted.get(name, 0.0),
        at_s=context.look.at_s,
    )
    found.alerts.extend(told.states)
    happened = [*told.happened, *noticing.verdict_changes(name, group, summary, context.now)]
    happened += noticing.rebalances(name, group, context.look, context.now)
    found.happened.extend(replace(each, topics=topics) for each in happened)
    group.first_seen = group.first_seen or context.now
    found.groups.append(
        GroupState(
            summary=summary,
            word_since=group.word_since or context.now,
            first_seen=group.first_seen,
            polled_at=context.now,
            window=group.window.pack() if with_windows else None,
        )
    )


def _note_minutes(
    name: str, group: Remembered, rows: Sequence[PartitionRow], found: Concluded, context: Context
) -> None:
    ended = minutes.note(group, rows, group.per_topic, at_s=context.look.at_s)
    found.minutes.extend((name, topic, bucket) for topic, bucket in ended)


def _judged(name: str, group: Remembered, context: Context) -> Judged:
    look = context.look
    seen = judging.seen_offsets(name, look)
    markers = context.markers.among(seen, group.window)
    # Where only markers wait all is read: else the first record behind them would seem to have waited as long.
    offsets = {place: (at, at if place in markers else end) for place, (at, end) in seen.items()}
    group.window.add(look.at_s, offsets, owned=judging.owned_now(name, look))
    judged = judging.judge(
        name, look, window=group.window, tracks=context.memory.tracks, markers=markers, known=group.places
    )
    return judging.with_rows(judged, context.transactions.named(judged.rows, at_s=look.at_s))


def _remember(group: Remembered, judged: Judged, look: Look, *, name: str) -> None:
    """Keep what the next look is compared with."""
    commits, listing = look.commits.get(name), look.listed[name]
    group.commits = None if isinstance(commits, ports.Problem) else commits
    group.places = {_place(row): row.committed for row in judged.rows}
    group.state = listing.state
    group.is_hot = group.is_hot if judged.problem else _is_hot(group, judged)
    group.empty_since_s = (group.empty_since_s or look.at_s) if listing.state == "empty" else None


class _Sums(NamedTuple):
    lag: int | None
    slowest: PartitionRow | None
    per_topic: dict[str, TopicSum]
    untold: bool
    """Of some partition it cannot be told how much waits: the lag is at least so much."""


def _added_up(group: Remembered, judged: Judged, *, at_s: float) -> _Sums:
    """Add the partitions up, and keep the sums for trend and forecast."""
    known = [row.lag for row in judged.rows if row.lag is not None]
    timed = [row for row in judged.rows if row.lag_s is not None]
    per_topic = judging.sums(judged)
    found = _Sums(
        lag=sum(known) if known else None,
        slowest=max(timed, key=lambda row: row.lag_s or 0.0, default=None),
        per_topic=per_topic,
        untold=any(each.untold for each in per_topic.values()),
    )
    if found.lag is not None and not found.untold:
        group.points.append((at_s, float(found.lag)))
    if found.slowest is not None and found.slowest.lag_s is not None:
        group.ages.append((at_s, found.slowest.lag_s))
    return found


def _summary(name: str, group: Remembered, context: Context) -> Summary:
    look = context.look
    judged = _judged(name, group, context)
    lag, slowest, per_topic, untold = _added_up(group, judged, at_s=look.at_s)
    _remember(group, judged, look, name=name)
    listing = look.listed[name]
    description = look.described.get(name)
    told = description if isinstance(description, ports.GroupDescription) else None
    # A record on its way is no lag: what is said of the course of a lag is said of one that lasts.
    behind = [row for row in judged.rows if row.lag and not group.window.caught_up(_place(row))]
    forecast = _forecast(behind, group, context)
    direction = trend.direction(group.points) if behind and not untold else None
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
        eta_s=trend.eta_s(float(lag), group.points) if lag and behind and not untold else None,
        loss_s=forecast.seconds if forecast else None,
        lost=sum(row.lost for row in judged.rows),
        expires_in_s=loss.expiry_s(
            empty_since_s=group.empty_since_s, offsets_kept_s=context.offsets_kept_s, now_s=look.at_s
        ),
        empty_since_s=group.empty_since_s,
        rows=judged.rows,
        members=judged.members,
        per_topic=per_topic,
        facts=facts.told(
            judged,
            group,
            told,
            lag=lag if behind or lag is None else 0,
            forecast=forecast,
            retention_unknown=any(
                not isinstance(context.memory.retention.get(row.topic), ports.Retention) for row in behind
            ),
        ),
    )


def _place(row: PartitionRow) -> TopicPartition:
    return TopicPartition(row.topic, row.partition)


def _is_hot(group: Remembered, judged: Judged) -> bool:
    """A group is hot while one of its partitions is, while it is in trouble, or while its members change places."""
    if group.state in noticing.IN_MOTION or judged.word in verdict.ERRORS:
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
