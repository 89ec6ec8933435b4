"""Whether anything waits between a commit and the end, or only the markers that ended transactions leave behind.

A client that commits the offset after the last record it got never passes the marker behind it: a lag of one for ever
(librdkafka #3917). So the few records of a small lag that does not move are looked for, once for each place and end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from reliability.kafka import ports
from reliability.kernel.record import TopicPartition
from reliability.lag.domain.values import WINDOW
from reliability.lag.polling.windows import Window

log = structlog.get_logger(__name__)

SPAN_MAX = 5  # records of lag that may be markers: one transaction leaves one in each of its partitions
DEADLINE_S = 1.0  # of one look; a partition whose records cannot be read keeps its lag
STOOD_LOOKS = WINDOW - 4  # looked for before a verdict is due: a first connection takes its time, or fails
KNOWN_MAX = 20_000
LOOKS_PER_POLL = 20  # a cluster with many such partitions takes some polls longer to be right, but is polled


class Markers:
    """Reads what a small lag consists of, and remembers the answer until commit or end move."""

    def __init__(self, make_reader: Callable[[], ports.Reader] | None) -> None:
        self._make_reader = make_reader
        self._reader: ports.Reader | None = None
        self._found: dict[tuple[TopicPartition, int], tuple[int, bool]] = {}
        self._left = 0

    def begin(self) -> None:
        """A new poll begins."""
        self._left = LOOKS_PER_POLL

    def among(self, seen: Mapping[TopicPartition, tuple[int, int]], window: Window) -> frozenset[TopicPartition]:
        """Return the partitions of a group, (commit, end) each, in which nothing but markers waits."""
        return frozenset(
            place
            for place, (committed, end) in seen.items()
            if 0 < end - committed <= SPAN_MAX and self._only_markers(place, committed, end, window)
        )

    def close(self) -> None:
        """Release the connection."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _only_markers(self, place: TopicPartition, committed: int, end: int, window: Window) -> bool:
        known = self._found.get((place, committed))
        if known is not None and known[0] == end:
            return known[1]
        make, stood = self._make_reader, window.looks >= STOOD_LOOKS and not window.moved(place, looks=STOOD_LOOKS)
        if self._left <= 0 or not stood or make is None:
            return False
        self._left -= 1
        found = self._look(make, place, committed, end)
        if found is not None:
            if len(self._found) >= KNOWN_MAX:
                self._found.clear()  # commits that moved on long ago are most of it
            self._found[place, committed] = (end, found)
        return bool(found)

    def _look(self, make: Callable[[], ports.Reader], place: TopicPartition, committed: int, end: int) -> bool | None:
        """Whether there is nothing to read; None when that cannot be told now."""
        try:
            self._reader = self._reader or make()
            return next(iter(self._reader.read(place, committed, end, deadline_s=DEADLINE_S)), None) is None
        except (ports.Unreadable, ports.Unavailable, ports.ClientBroken) as error:
            log.info("lag_records_not_read", topic=place.topic, partition=place.partition, error=str(error))
            return None
