"""What a poller knows of a cluster between two looks, and how a new poller takes over from the one before."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db.models import Max, Q

from reliability.kafka import ports
from reliability.kernel.record import TopicPartition
from reliability.lag.domain.alerting import Kind, Phase, State
from reliability.lag.domain.end_track import EndTrack
from reliability.lag.domain.history import Bucket
from reliability.lag.domain.summary import TopicSum
from reliability.lag.domain.values import Word
from reliability.lag.models import Alert, Group, Mute, Reset, Topic, resets
from reliability.lag.polling.windows import Window

log = structlog.get_logger(__name__)

SET_WITHIN = timedelta(minutes=2)  # a reset of longer ago, of which nothing is known, says nothing about now
STARTS_MAX, STARTS_MIN = 60, 3  # moves of a log's beginning that are kept, and what it takes to tell how fast it moves
POINTS_MAX = 20  # of the total lag, for trend and forecast, as klag keeps them


@dataclass(slots=True)
class Remembered:
    """A group between two looks."""

    id: int | None = None
    window: Window = field(default_factory=Window)
    word: Word | None = None
    word_since: datetime | None = None
    first_seen: datetime | None = None
    empty_since_s: float | None = None
    points: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=POINTS_MAX))
    ages: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=POINTS_MAX))
    """Time lags of its slowest partition."""
    description: ports.GroupDescription | None = None
    """The last that was told, kept while its coordinator does not answer: rebalances are told from it."""
    unrest_s: float | None = None
    """Since when its members change places."""
    state: str = ""
    missed: int = 0
    """How often in a row it was not listed."""
    is_hot: bool = True
    alerts: dict[Kind, State] = field(default_factory=dict)
    per_topic: dict[str, TopicSum] = field(default_factory=dict)
    commits: Mapping[TopicPartition, int] | None = None
    buckets: dict[str, Bucket] = field(default_factory=dict)
    places: dict[TopicPartition, int | None] = field(default_factory=dict)
    """Its partitions and the commit at the last look: whose ends are watched while it is quiet."""


class Memory:
    """All groups and topics of a cluster."""

    def __init__(self) -> None:
        self.groups: dict[str, Remembered] = {}
        self.tracks: dict[TopicPartition, EndTrack] = {}
        self.retention: dict[str, ports.Retention | ports.Problem] = {}
        self.offsets_kept_s: float | None = None
        self._starts: dict[TopicPartition, deque[tuple[float, float]]] = {}

    def of(self, name: str) -> Remembered:
        """The group of that name, a new one when it was not known."""
        return self.groups.setdefault(name, Remembered())

    def followed(self, *, but: Collection[str] = ()) -> set[TopicPartition]:
        """Every partition that a group has a place in, ``but`` left out."""
        return {place for name, group in self.groups.items() if name not in but for place in group.places}

    def track(self, place: TopicPartition) -> EndTrack:
        """The track of a partition's readable end."""
        found = self.tracks.get(place)
        if found is None:
            found = self.tracks[place] = EndTrack()
        return found

    def see_ends(self, stable: Mapping[TopicPartition, int | ports.Problem], *, at_s: float) -> None:
        """Add a look at the ends; tracks of partitions that nobody follows any more go."""
        for place, end in stable.items():
            if isinstance(end, int):
                self.track(place).add(end, at_s)
        if len(self.tracks) > len(stable):
            followed = self.followed() | set(stable)
            self.tracks = {place: track for place, track in self.tracks.items() if place in followed}
            self._starts = {place: seen for place, seen in self._starts.items() if place in followed}

    def start_rate(self, place: TopicPartition, start: int | None, *, at_s: float) -> float | None:
        """Note where a log begins, and return by how many records a second that moves; None while it is too early.

        Whole segments go at a time: the first move tells how large they are, only the next one how often they go.
        """
        if start is None:
            return None
        seen = self._starts.setdefault(place, deque(maxlen=STARTS_MAX))
        if not seen or start < seen[-1][1]:
            seen.clear()
            seen.append((at_s, float(start)))
        elif start > seen[-1][1]:
            seen.append((at_s, float(start)))
        if len(seen) < STARTS_MIN or at_s <= seen[1][0]:
            return None
        return (seen[-1][1] - seen[1][1]) / (at_s - seen[1][0])

    def passed_by(self, stable: Mapping[TopicPartition, int | ports.Problem], *, but: Collection[str]) -> Iterator[str]:
        """Names of quiet groups that have something to read by now, or whose topic got shorter.

        ``but``: those that were just looked at.
        """
        for name, group in self.groups.items():
            if name in but or group.is_hot:
                continue
            if any(
                isinstance(end := stable.get(place), int) and committed is not None and end != committed
                for place, committed in group.places.items()
            ):
                yield name


def restore(cluster: str) -> Memory:
    """Return what the poller before wrote down: windows, words and tracks; an empty memory for a new cluster."""
    memory = Memory()
    set_at = dict(
        Reset.objects.filter(group__cluster=cluster, ended_at__isnull=False)
        .values_list("group_id")
        .annotate(last=Max("ended_at"))
    )
    for group in Group.objects.filter(cluster=cluster, gone_at=None).iterator(chunk_size=200):
        memory.groups[group.name] = Remembered(
            id=group.pk,
            window=_window(group, set_at.get(group.pk)),
            word=Word(group.word),
            word_since=group.word_since,
            first_seen=group.first_seen,
            empty_since_s=group.empty_since.timestamp() if group.empty_since else None,
        )
    for alert in Alert.objects.filter(group__cluster=cluster, group__gone_at=None).select_related("group"):
        if alert.group.name in memory.groups:
            memory.groups[alert.group.name].alerts[Kind(alert.kind)] = State(
                phase=Phase(alert.phase), since_s=alert.since.timestamp(), told=alert.told
            )
    for topic in Topic.objects.filter(cluster=cluster).iterator(chunk_size=200):
        memory.tracks.update(
            {TopicPartition(topic.name, partition): track for partition, track in unpack_tracks(bytes(topic.tracks))}
        )
    return memory


def _window(group: Group, set_at: datetime | None) -> Window:
    """The samples of a group, if nobody set its commits since the first of them."""
    window = Window.unpack(bytes(group.window)) if group.window else Window()
    return Window() if set_at is not None and set_at.timestamp() >= window.begins_s else window


def measure_anew(memory: Memory, cluster: str, *, since: datetime) -> None:
    """Forget the samples of groups that an operator set somewhere else since then: that is no rewind of theirs.

    One that is being set counts: its commits may be in place before that is written down.
    """
    under_way = Q(state__in=(resets.State.APPLYING, resets.State.UNKNOWN), applied_at__gte=since - SET_WITHIN)
    lately = Q(ended_at__gte=since) | under_way
    names = Reset.objects.filter(lately, group__cluster=cluster).values_list("group__name", flat=True)
    for name in set(names) & memory.groups.keys():
        group = memory.groups[name]
        group.window, group.is_hot = Window(), True
        group.points.clear()
        group.ages.clear()


def muted(cluster: str) -> dict[str, float]:
    """Return the groups of a cluster of which nobody is told, and until when (Unix seconds)."""
    rows = Mute.objects.filter(group__cluster=cluster).values_list("group__name", "until")
    return {name: until.timestamp() for name, until in rows}


def pack_tracks(tracks: Mapping[int, EndTrack]) -> bytes:
    """Tracks of a topic's partitions as bytes: partition and length before each."""
    parts = []
    for partition, track in tracks.items():
        packed = track.pack()
        parts.append(partition.to_bytes(4, "big") + len(packed).to_bytes(4, "big") + packed)
    return b"".join(parts)


def unpack_tracks(packed: bytes) -> Iterator[tuple[int, EndTrack]]:
    """The tracks of a topic's partitions; bytes cut short end the list."""
    at = 0
    while at + 8 <= len(packed):
        partition = int.from_bytes(packed[at : at + 4], "big")
        length = int.from_bytes(packed[at + 4 : at + 8], "big")
        try:
            yield partition, EndTrack.unpack(packed[at + 8 : at + 8 + length])
        except ValueError:
            log.warning("lag_track_unreadable", partition=partition)  # it is measured anew
        at += 8 + length
