"""What a poller remembers of a group between two looks: the samples that verdicts are made from."""

from __future__ import annotations

import json
import math
import zlib
from array import array
from collections import deque
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reliability.kernel.record import TopicPartition
from reliability.lag.domain.values import WINDOW, Sample

PACE_MAX_S = 600.0
STEP_MAX_S = 600.0
UNOWNED_S = 15.0
"""Who owns a partition after nobody did for longer than this has his own time to move it. Until then it was STOP."""
PACE_OF = 10
"""Moves of a commit that its pace is made of, by the longest wait among them: one standstill is forgotten."""
_NOT_SEEN = -1  # an offset is never negative


class Pace(NamedTuple):
    """How the commits of a partition go."""

    waits_s: float
    """For how long something has been waiting since its commit moved."""
    pace_s: float
    """The longest that took of late; 0 where it is not known."""
    stride: int
    """The most records that one move took of late."""
    tried_s: float
    """For how long owners could have moved it; infinite where that is not known."""


NO_PACE = Pace(0.0, 0.0, 0, math.inf)


@dataclass(slots=True)
class _Pace:
    """What a pace is made of: since when something waits, the last waits, what the last moves took."""

    since_s: float = 0.0
    waits: list[float] = field(default_factory=list)
    strides: list[int] = field(default_factory=list)
    owned_s: float = 0.0
    """Since when what waits has had owners, one after the other: one that crashes and comes again gets no new time."""
    owner_s: float = 0.0
    """The last look at which it had one, or may have had."""
    commit: int = _NOT_SEEN
    """The last that was seen."""


class Window:
    """The last looks at all partitions of a group, compact: two numbers a partition and look."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=WINDOW)
        self._marks: dict[TopicPartition, array[int]] = {}
        self._paces: dict[TopicPartition, _Pace] = {}

    def add(
        self,
        at_s: float,
        seen: Mapping[TopicPartition, tuple[int, int]],
        *,
        owned: Container[TopicPartition] | None = None,
    ) -> None:
        """Keep a look: (commit, end) per partition. What was not told leaves a gap; what is gone is forgotten.

        ``owned``: those that have an owner; None where that is not known, which counts as if they had.
        """
        if self._times and at_s <= self._times[-1]:
            return
        self._times.append(at_s)
        length = 2 * len(self._times)
        kept: dict[TopicPartition, array[int]] = {}
        for place, (committed, end) in seen.items():
            marks = self._marks.get(place)
            if marks is None:
                marks = array("q", [_NOT_SEEN]) * (length - 2)
            elif len(marks) == 2 * WINDOW:
                del marks[:2]
            if committed < end or place in self._paces:
                before = marks[-2] if marks else _NOT_SEEN
                is_owned = owned is None or place in owned
                self._note_pace(place, at_s, commit=committed, before=before, waits=committed < end, owned=is_owned)
            marks.append(committed)
            marks.append(end)
            kept[place] = marks
        for place, marks in self._marks.items():
            if place not in kept and any(mark != _NOT_SEEN for mark in marks[2:]):
                if len(marks) == 2 * WINDOW:
                    del marks[:2]
                marks.extend((_NOT_SEEN, _NOT_SEEN))
                kept[place] = marks
        self._marks = kept
        for place in self._paces.keys() - kept.keys():
            del self._paces[place]

    def pace(self, place: TopicPartition) -> Pace:
        """How long something has been waiting, and how its commits went of late."""
        pace = self._paces.get(place)
        if pace is None or not self._times:
            return NO_PACE
        now_s = self._times[-1]
        waits_s = now_s - pace.since_s if pace.since_s else 0.0
        tried_s = now_s - max(pace.since_s, pace.owned_s) if pace.since_s else math.inf
        return Pace(waits_s, max(pace.waits, default=0.0), max(pace.strides, default=0), tried_s)

    def _note_pace(
        self, place: TopicPartition, at_s: float, *, commit: int, before: int, waits: bool, owned: bool
    ) -> None:
        """Only time in which there was something to commit counts: a topic at rest makes nobody slow. Nor does time in
        which nobody looked: a wait is known to have lasted until the look before the one that saw the move."""
        pace = self._paces.get(place) or _Pace()
        before = pace.commit if before == _NOT_SEEN else before
        taken = 0 if before == _NOT_SEEN else commit - before
        known_s = self._times[-2] if len(self._times) > 1 else at_s
        if taken:
            if pace.since_s and known_s > pace.since_s:
                pace.waits = [*pace.waits, min(known_s - pace.since_s, PACE_MAX_S)][-PACE_OF:]
            elif pace.waits:
                pace.waits = [*pace.waits, 0.0][-PACE_OF:]
            pace.strides = [*pace.strides, max(0, taken)][-PACE_OF:]
            pace.since_s = pace.owned_s = 0.0
        pace.since_s = (pace.since_s or at_s) if waits else 0.0
        pace.commit = commit
        if owned and waits:
            was_nobodys = pace.owner_s < known_s and at_s - pace.owner_s > UNOWNED_S
            pace.owned_s = at_s if was_nobodys or not pace.owned_s else pace.owned_s
            pace.owner_s = at_s
        if pace.since_s or any(pace.waits):
            self._paces[place] = pace
        else:
            self._paces.pop(place, None)

    def of(self, place: TopicPartition) -> list[Sample]:
        """The samples of a partition, oldest first."""
        marks = self._marks.get(place)
        if marks is None:
            return []
        pairs = zip(self._times, marks[::2], marks[1::2], strict=True)
        return [Sample(at_s, committed, end) for at_s, committed, end in pairs if committed != _NOT_SEEN]

    def last_step(self, place: TopicPartition) -> tuple[Sample, Sample] | None:
        """The last two samples of a partition, next to each other; None when there are none such, or nobody looked for
        so long that what happened in between is of no one minute."""
        marks = self._marks.get(place)
        if len(self._times) < 2 or self._times[-1] - self._times[-2] > STEP_MAX_S:
            return None
        if marks is None or marks[-2] == _NOT_SEEN or marks[-4] == _NOT_SEEN:
            return None
        return Sample(self._times[-2], marks[-4], marks[-3]), Sample(self._times[-1], marks[-2], marks[-1])

    def has_backlog(self, place: TopicPartition) -> bool:
        """Whether at most of the looks more waited than one move of the commit takes: it has something to work off."""
        stride = self.pace(place).stride
        lags = [sample.lag for sample in self.of(place)]
        return 2 * sum(lag > stride for lag in lags) > len(lags)

    def caught_up(self, place: TopicPartition) -> bool:
        """Whether everything was read at one of the looks: what waits now may have come a moment ago."""
        marks = self._marks.get(place)
        return marks is None or any(
            committed != _NOT_SEEN and committed >= end for committed, end in zip(marks[::2], marks[1::2], strict=True)
        )

    def moved(self, place: TopicPartition, *, looks: int = WINDOW) -> bool:
        """Whether the commit of a partition changed within the last looks."""
        marks = self._marks.get(place)
        return marks is not None and len({mark for mark in marks[::2][-looks:] if mark != _NOT_SEEN}) > 1

    def rates(self) -> tuple[float, float] | None:
        """Records a second that came in and that were committed, over the window; None while it is too short."""
        if len(self._times) < 2:
            return None
        span_s = self._times[-1] - self._times[0]
        came = went = 0
        for marks in self._marks.values():
            if marks[0] == _NOT_SEEN or marks[-1] == _NOT_SEEN:
                continue
            went += max(0, marks[-2] - marks[0])
            came += max(0, marks[-1] - marks[1])
        return came / span_s, went / span_s

    @property
    def looks(self) -> int:
        return len(self._times)

    @property
    def begins_s(self) -> float:
        """When its oldest look was; 0 without one."""
        return self._times[0] if self._times else 0.0

    @property
    def span_s(self) -> float:
        """From its oldest look to its newest."""
        return self._times[-1] - self._times[0] if self._times else 0.0

    def gaps(self, place: TopicPartition) -> int:
        """Looks since a partition was seen first at which it could not be told."""
        marks = self._marks.get(place)
        if marks is None:
            return 0
        seen = list(marks[::2])
        first = next((at for at, mark in enumerate(seen) if mark != _NOT_SEEN), len(seen))
        return sum(1 for mark in seen[first:] if mark == _NOT_SEEN)

    def pack(self) -> bytes:
        """As bytes, to be unpacked by whoever polls this cluster next."""
        marks = [[place.topic, place.partition, list(each)] for place, each in self._marks.items()]
        paces = [
            [place.topic, place.partition, each.since_s, each.waits, each.strides, each.owned_s, each.owner_s]
            for place, each in self._paces.items()
        ]
        return zlib.compress(json.dumps([list(self._times), marks, paces]).encode(), 1)

    @classmethod
    def unpack(cls, packed: bytes) -> Window:
        """From bytes; what cannot be read is an empty window, which only means to measure anew."""
        window = cls()
        try:
            times, marks, paces = json.loads(zlib.decompress(packed))
            times = times[:WINDOW]
            last_s = float(times[-1]) if times else 0.0
            window._times.extend(float(at_s) for at_s in times)
            window._marks = {
                TopicPartition(str(topic), int(partition)): array("q", each)
                for topic, partition, each in marks
                if len(each) == 2 * len(times)
            }
            window._paces = {
                TopicPartition(str(topic), int(partition)): _unpacked(packed, last_s)
                for topic, partition, *packed in paces
            }
        except (ValueError, TypeError, OverflowError, zlib.error):
            return cls()
        return window


def _unpacked(packed: list[Any], last_s: float) -> _Pace:
    """A pace from its parts. A version before this one knew no owners: as if there had been one all the time."""
    since_s, waits, strides, *owner = packed
    owned_s, owner_s = owner or (since_s, last_s)
    return _Pace(
        float(since_s),
        [float(each) for each in waits],
        [int(each) for each in strides],
        owned_s=float(owned_s),
        owner_s=float(owner_s),
    )


def places(windows: Iterable[Window]) -> set[TopicPartition]:
    """Every partition that these windows know."""
    return {place for window in windows for place in window._marks}
