"""Dense numbers of what a shard sends, per topic, partition and series: a gap at the reader's end proves a loss.

The state is plain JSON, ``{topic: [partitions, series, {partition: next number}]}``. A series goes on through every
change of owner. A changed partition count starts a new one, because keys move; so does a jump of the epoch, which
follows a database restore that may have taken numbers back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

State = Mapping[str, Any]
FIRST = 1  # so that 0 can mean "none yet" to whoever keeps the highest number seen

EPOCH_JUMP = 1_000_000
"""Added to every epoch after a restore; lifts new series, too, above all that were ever sent."""


def resumed(state: State, firsts: State) -> dict[str, Any]:
    """Return the state from which a recorded batch is numbered again: where it started then, whatever came since."""
    merged = dict(state)
    for topic, (partitions, series, numbers) in firsts.items():
        stored = state.get(topic)
        kept = stored[2] if stored is not None and stored[1] == series else {}
        merged[topic] = [partitions, series, {**kept, **numbers}]
    return merged


class Slot:
    """The next number of one partition, and the text before it. Mutable: it is counted up once per event."""

    __slots__ = ("next", "prefix")

    def __init__(self, prefix: bytes, following: int) -> None:
        self.prefix = prefix
        self.next = following

    def take(self) -> bytes:
        """Return ``outbox/shard/series/n`` and count on."""
        number = self.next
        self.next = number + 1
        return b"%b%d" % (self.prefix, number)


class Numbering:
    """A working copy of one shard's numbers: taken from the state, folded back when the batch is done."""

    def __init__(self, state: State, *, outbox: str, shard: int, epoch: int) -> None:
        self._state = state
        self._origin = f"{outbox}/{shard}"
        self._least_series = epoch // EPOCH_JUMP * EPOCH_JUMP + 1
        self._series: dict[str, tuple[int, int]] = {}  # topic -> partitions, series; the topics in use
        self._slots: dict[tuple[str, int], Slot] = {}
        self._firsts: dict[tuple[str, int], int] = {}

    def slot(self, topic: str, partition: int, partitions: int) -> Slot:
        """Return the counter of a partition of a topic that now has ``partitions`` of them."""
        known = self._slots.get((topic, partition))
        if known is not None:
            return known
        series, following = self._start(topic, partition, partitions)
        self._series[topic] = (partitions, series)
        self._firsts[topic, partition] = following
        slot = Slot(f"{self._origin}/{series}/".encode(), following)
        self._slots[topic, partition] = slot
        return slot

    def _start(self, topic: str, partition: int, partitions: int) -> tuple[int, int]:
        if topic in self._series:
            series = self._series[topic][1]
        else:
            before, last_series, _ = self._state.get(topic, (None, 0, {}))
            series = last_series if before == partitions else last_series + 1
            series = max(series, self._least_series)
        stored = self._state.get(topic)
        if stored is not None and stored[1] == series:
            return series, stored[2].get(str(partition), FIRST)
        return series, FIRST

    def firsts(self) -> dict[str, Any]:
        """Return, as a state, where the numbers of the batch started: whoever resends it starts there again."""
        return self._folded({}, self._firsts)

    def state(self) -> dict[str, Any]:
        """Return the whole state after the batch."""
        return self._folded(self._state, {place: slot.next for place, slot in self._slots.items()})

    def _folded(self, before: State, numbers: Mapping[tuple[str, int], int]) -> dict[str, Any]:
        folded = dict(before)
        for topic, (partitions, series) in self._series.items():
            stored = before.get(topic)
            goes_on = stored is not None and stored[1] == series
            folded[topic] = [partitions, series, dict(stored[2]) if stored is not None and goes_on else {}]
        for (topic, partition), number in numbers.items():
            folded[topic][2][str(partition)] = number
        return folded
