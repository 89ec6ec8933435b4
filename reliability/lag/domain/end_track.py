"""Where the end of a log was, and when: by which an offset becomes a time without reading its record.

The table of kafka-lag-exporter (LookupTable.scala) with its faults mended: nothing is extrapolated, a flat line divides
by nothing, a log that was made anew starts a new track, and old looks thin out instead of falling off.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from itertools import accumulate, pairwise
from typing import NamedTuple

POINTS_MAX = 120

_HEADER = struct.Struct("<BHqq")  # width of the steps, points, first end, first time
_NARROW, _WIDE = 4, 8  # bytes of a step: records and milliseconds from one point to the next
_STEPS = {_NARROW: "I", _WIDE: "Q"}
_NARROW_MAX = 2**32 - 1


class Passed(NamedTuple):
    """When the end of a log passed an offset."""

    at_s: float
    """Unix seconds."""
    exact: bool
    """False: before the oldest look, so ``at_s`` is only the latest it can have been."""


class EndTrack:
    """Ends of one partition's log as looks found them, at most ``POINTS_MAX`` points (16 bytes each), oldest first.

    A stretch in which nothing came is kept as its two ends. The further back, the sparser the points: the newest half
    is whole, and the oldest look stays, so that a commit of long ago has a time too, only a rougher one.
    """

    __slots__ = ("_ends", "_times")

    def __init__(self) -> None:
        self._ends = array("q")
        self._times = array("d")

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def end(self) -> int | None:
        """The end at the last look; None before the first."""
        return self._ends[-1] if self._ends else None

    def points(self) -> list[tuple[int, float]]:
        """(end, Unix seconds), oldest first."""
        return list(zip(self._ends, self._times, strict=True))

    def add(self, end: int, at_s: float) -> None:
        """Note a look. A time that does not go on is left out; an end that went back starts a new track."""
        ends, times = self._ends, self._times
        if ends:
            if at_s <= times[-1]:
                return
            last = ends[-1]
            if end == last and len(ends) > 1 and ends[-2] == last:
                times[-1] = at_s
                return
            if end < last:
                del ends[:], times[:]
        ends.append(end)
        times.append(at_s)
        if len(ends) > POINTS_MAX:
            self._thin()

    def passed(self, offset: int) -> Passed | None:
        """When the record at ``offset`` was written; None while the end has not passed it, as far as is known.

        Between two looks records are taken to have come evenly: of n that came, the k-th is expected at k / (n + 1) of
        the way. So a single record is half-way between the look without it and the look with it.
        """
        ends = self._ends
        after = bisect_right(ends, offset)
        if after == len(ends):
            return None
        if after == 0:
            return Passed(self._times[0], exact=False)
        # The end was at most ``offset`` before and is beyond it after: the two differ.
        end, at_s = ends[after - 1], self._times[after - 1]
        share = (offset - end + 1) / (ends[after] - end + 1)
        return Passed(at_s + (self._times[after] - at_s) * share, exact=True)

    def _thin(self) -> None:
        """Keep every other point of the older half, and both ends of its flat lines if that makes room enough."""
        ends, half = self._ends, len(self._ends) // 2
        kept = [at for at in range(half) if at % 2 == 0 or ends[at] in (ends[at - 1], ends[at + 1])]
        if len(kept) > half * 3 // 4:
            # Nothing but pauses and bursts: then every other pause goes as a whole.
            kept = [at for at in range(half) if at % 4 < 2]
        times = self._times
        ends[:half] = array("q", [ends[at] for at in kept])
        times[:half] = array("d", [times[at] for at in kept])

    def pack(self) -> bytes:
        """As bytes: 8 a point, or 16 where a step from one to the next is large. Times keep their milliseconds."""
        if not self._ends:
            return b""
        millis = [round(at_s * 1000) for at_s in self._times]
        steps = [after - before for column in (self._ends, millis) for before, after in pairwise(column)]
        width = _NARROW if max(steps, default=0) <= _NARROW_MAX else _WIDE
        header = _HEADER.pack(width, len(millis), self._ends[0], millis[0])
        return header + struct.pack(f"<{len(steps)}{_STEPS[width]}", *steps)

    @classmethod
    def unpack(cls, packed: bytes) -> EndTrack:
        """From bytes that ``pack`` made. Raises ``ValueError`` for others."""
        track = cls()
        if not packed:
            return track
        try:
            width, count, end, millis = _HEADER.unpack_from(packed)
            steps = struct.unpack_from(f"<{2 * (count - 1)}{_STEPS[width]}", packed, _HEADER.size)
            if count > POINTS_MAX or len(packed) != _HEADER.size + width * len(steps):
                raise ValueError("its length is wrong")
            track._ends.extend(accumulate(steps[: count - 1], initial=end))
            track._times.extend(at_ms / 1000 for at_ms in accumulate(steps[count - 1 :], initial=millis))
        except (struct.error, KeyError, ValueError, OverflowError) as error:
            raise ValueError(f"not the track of a log: {error}") from error
        return track
