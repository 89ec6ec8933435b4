"""From a look at a group, and what is remembered of it, to what its page says."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from reliability.kafka import ports
from reliability.kernel.record import TopicPartition
from reliability.lag.domain import summary, time_lag, verdict
from reliability.lag.domain.end_track import EndTrack
from reliability.lag.domain.summary import NOBODY, NOT_KNOWN, MemberRow, PartitionRow
from reliability.lag.domain.values import Seen, Verdict, Word
from reliability.lag.polling import reading
from reliability.lag.polling.reading import Look
from reliability.lag.polling.windows import Window

TURN_S = 600.0
"""So long may a partition wait while its member works off others, before that is a standstill."""
_EMPTY_STATES = frozenset({"empty", "dead"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one look says of a group's partitions and members; what a trend needs is added by the poller."""

    rows: list[PartitionRow]
    members: list[MemberRow]
    word: Word
    reason: str
    problem: str
    """Why the members or the commits of the whole group could not be read; "" when they could."""
    is_empty: bool


def owners(description: ports.GroupDescription | ports.Problem | None) -> dict[TopicPartition, int] | None:
    """Return the place of each partition's owner among the members; None when the members are not known."""
    if not isinstance(description, ports.GroupDescription):
        return None
    return {place: at for at, member in enumerate(description.members) for place in member.owns}


def owned_now(name: str, look: Look) -> dict[TopicPartition, int] | None:
    """Return the same of a group; of one without members nothing is owned, also when nobody could describe it."""
    owned = owners(look.described.get(name))
    return {} if owned is None and _is_empty(name, look) else owned


def _is_empty(name: str, look: Look) -> bool:
    return look.listed[name].state in _EMPTY_STATES if name in look.listed else True


def seen_offsets(name: str, look: Look) -> dict[TopicPartition, tuple[int, int]]:
    """Return (commit, readable end) of the partitions where both are known: a sample for the window."""
    commits = look.commits.get(name)
    if commits is None or isinstance(commits, ports.Problem):
        return {}
    found = {}
    for place, committed in commits.items():
        end = look.stable.get(place)
        if isinstance(end, int):
            found[place] = (committed, end)
    return found


def judge(
    name: str,
    look: Look,
    *,
    window: Window,
    tracks: Mapping[TopicPartition, EndTrack],
    markers: frozenset[TopicPartition] = frozenset(),
    known: Collection[TopicPartition] = (),
) -> Judged:
    """Judge every partition that the group has committed or owns. ``markers``: where nothing but markers waits.

    ``known``: those of the look before, which stay while its commits cannot be read.
    """
    commits = look.commits.get(name, {})
    description = look.described.get(name)
    owned = owned_now(name, look)
    committed: Mapping[TopicPartition, int] = {} if isinstance(commits, ports.Problem) else commits
    is_empty = _is_empty(name, look)
    rows = []
    kept = known if isinstance(commits, ports.Problem) else ()
    for place in sorted({*committed, *(owned or ()), *kept}):
        row = _read_to_its_end(place, look, committed=committed.get(place), owned=owned)
        if row is not None:
            rows.append(row)
            continue
        seen = _seen(place, look, commits=commits, owned=owned, markers=markers, window=window)
        found = verdict.judge(window.of(place), seen, group_empty=is_empty)
        if found.word is Word.STOP and not is_empty and _is_left(place.topic, owned):
            found = replace(found, word=Word.WARN, reason=f"{found.reason}, and no member reads this topic any more")
        behind = _behind(found, seen, window, tracks.get(place), now_s=look.at_s)
        rows.append(_row(place, seen, found, look=look, owned=owned, behind=behind))
    rows = _beside_others(rows, window)
    problem = _problem(commits, description)
    word, reason = _of_group(rows, is_empty=is_empty, problem=problem)
    return Judged(
        rows=rows,
        members=_members(description, rows),
        word=word,
        reason=reason,
        problem=problem,
        is_empty=is_empty,
    )


def _beside_others(rows: list[PartitionRow], window: Window) -> list[PartitionRow]:
    """Say of a partition that stands still when its member gets on with others.

    Where these are behind, too, it may be working them off first, as after an outage: then it has ``TURN_S`` before it
    is called a standstill. Where they keep up, one record holds up this partition alone.
    """
    standing = {row.owner for row in rows if row.word == Word.STALL and row.owner >= 0}
    others = [(row.owner, TopicPartition(row.topic, row.partition)) for row in rows if row.owner in standing]
    moving = [(owner, place) for owner, place in others if window.moved(place)]
    busy = {owner for owner, place in moving if window.has_backlog(place)}
    on = {owner for owner, _ in moving}
    return [_beside(row, window, moving=on, busy=busy) if row.word == Word.STALL else row for row in rows]


def _beside(row: PartitionRow, window: Window, *, moving: Collection[int], busy: Collection[int]) -> PartitionRow:
    waits_its_turn = row.owner in busy and window.pace(TopicPartition(row.topic, row.partition)).tried_s <= TURN_S
    if waits_its_turn:
        return row._replace(word=Word.WARN.value, reason=f"{row.reason}; its member works off other partitions first")
    if row.owner in moving:
        return row._replace(reason=f"{row.reason}; its member gets on with other partitions")
    return row


def with_rows(judged: Judged, rows: list[PartitionRow]) -> Judged:
    """Return the same with other reasons in its rows, and so in its own."""
    if rows == judged.rows:
        return judged
    _, reason = _of_group(rows, is_empty=judged.is_empty, problem=judged.problem)
    return replace(judged, rows=rows, reason=reason)


def _seen(
    place: TopicPartition,
    look: Look,
    *,
    commits: Mapping[TopicPartition, int] | ports.Problem,
    owned: Mapping[TopicPartition, int] | None,
    markers: frozenset[TopicPartition],
    window: Window,
) -> Seen:
    pace = window.pace(place)
    return Seen(
        committed=None if isinstance(commits, ports.Problem) else commits.get(place),
        start=_number(look.starts.get(place)),
        end=_number(look.ends.get(place)),
        stable=_number(look.stable.get(place)),
        owned=None if owned is None else place in owned,
        problem=reading.problem_of(place, look, committed=commits),
        waits_s=pace.waits_s,
        pace_s=pace.pace_s,
        stride=pace.stride,
        tried_s=pace.tried_s,
        gaps=window.gaps(place),
        only_markers=place in markers,
    )


def _number(found: int | ports.Problem | None) -> int | None:
    return found if isinstance(found, int) else None


def _read_to_its_end(
    place: TopicPartition, look: Look, *, committed: int | None, owned: Mapping[TopicPartition, int] | None
) -> PartitionRow | None:
    """The row of a partition that is owned and read: most of a large cluster, and they need no window."""
    if committed is None or not owned or place not in owned:
        return None
    start, end = look.starts.get(place), look.ends.get(place)
    if committed != end or committed != look.stable.get(place) or not isinstance(start, int) or start > committed:
        return None
    return PartitionRow(
        place.topic, place.partition, Word.OK.value, "all is read", committed, start, committed, committed,
        0, 0.0, False, 0, owned[place], look.layout.get(place, -1),
    )  # fmt: skip


def _is_left(topic: str, owned: Mapping[TopicPartition, int] | None) -> bool:
    """Whether the group has members, all of which read other topics: its commits here are left over, or a part of it
    is down."""
    return bool(owned) and all(place.topic != topic for place in owned or ())


def _behind(
    found: Verdict, seen: Seen, window: Window, track: EndTrack | None, *, now_s: float
) -> time_lag.TimeLag | None:
    if found.lag == 0:
        return time_lag.TimeLag(seconds=0.0, at_least=False)
    if found.word is Word.BLOCKED:
        return time_lag.TimeLag(seconds=window.span_s, at_least=True)  # as long as the readable end is seen to stand
    if found.lag and track is not None and seen.committed is not None:
        return time_lag.time_lag(track, seen.committed, now_s=now_s)
    return None


def _row(
    place: TopicPartition,
    seen: Seen,
    found: Verdict,
    *,
    look: Look,
    owned: Mapping[TopicPartition, int] | None,
    behind: time_lag.TimeLag | None,
) -> PartitionRow:
    return PartitionRow(
        topic=place.topic,
        partition=place.partition,
        word=found.word.value,
        reason=found.reason,
        committed=seen.committed,
        start=seen.start,
        end=seen.end,
        stable=seen.stable,
        lag=found.lag,
        lag_s=round(behind.seconds, 3) if behind else None,
        at_least=behind.at_least if behind else False,
        lost=found.lost,
        owner=NOT_KNOWN if owned is None else owned.get(place, NOBODY),
        leader=look.layout.get(place, -1),
    )


def _problem(
    commits: Mapping[TopicPartition, int] | ports.Problem,
    description: ports.GroupDescription | ports.Problem | None,
) -> str:
    if isinstance(commits, ports.Problem):
        return f"its commits cannot be read: {commits.message}"
    if isinstance(description, ports.Problem):
        return f"its members cannot be read: {description.message}"
    return ""


def _of_group(rows: list[PartitionRow], *, is_empty: bool, problem: str) -> tuple[Word, str]:
    """The group's word is its worst partition's; its reason is that one's, and how many others share the word."""
    if not rows:
        if problem:
            return Word.UNKNOWN, problem
        if is_empty:
            return Word.EMPTY, "no members and no commits"
        return Word.UNKNOWN, "it has members, but owns and has committed nothing yet"
    word = verdict.worst(Verdict(word=Word(row.word), reason="", lag=None) for row in rows)
    same = [row for row in rows if row.word == word]
    worst = max(same, key=lambda row: (row.lag or 0, row.lost))
    if word is Word.OK:
        return (Word.EMPTY, _without_members(rows)) if is_empty else (Word.OK, "every partition keeps up")
    others = f", and {len(same) - 1} more" if len(same) > 1 else ""
    return word, f"{worst.topic} {worst.partition}{others}: {worst.reason}"


def _without_members(rows: list[PartitionRow]) -> str:
    """Without members nobody seems to read; it is trouble once a commit has not moved for a window."""
    waiting = sum(row.lag or 0 for row in rows)
    if not waiting:
        return "no members, and nothing waits"
    return f"no members, and {waiting:,} {'record waits' if waiting == 1 else 'records wait'} for now"


def _members(description: ports.GroupDescription | ports.Problem | None, rows: list[PartitionRow]) -> list[MemberRow]:
    if not isinstance(description, ports.GroupDescription):
        return []
    lags: dict[int, int] = {}
    for row in rows:
        if row.lag is not None:
            lags[row.owner] = lags.get(row.owner, 0) + row.lag
    return [
        MemberRow(
            id=member.id,
            client_id=member.client_id,
            host=member.host,
            instance_id=member.instance_id,
            owns=len(member.owns),
            lag=lags.get(at, 0 if not member.owns else None),
            moving=0 if member.target is None else len(member.target ^ member.owns),
        )
        for at, member in enumerate(description.members)
    ]


def sums(judged: Judged) -> dict[str, summary.TopicSum]:
    """Return the sums of the rows by topic."""
    return summary.sums(judged.rows, verdict.SEVERITY)
