"""What a consume loop holds per partition: records not yet worked on, the position, and why it waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from reliability.kernel.record import Record, TopicPartition

RECORDS_MAX = 10_000  # some polls: pausing drops what the client fetched ahead, so a lane worked off in time never is
BYTES_MAX = 8 * 1024 * 1024
"""A partition that holds this much is paused: a poll may bring one fetch more, then no memory is spent on it.

Pausing is dear: the client drops what it has fetched, and a resume waits for a new fetch (about 0.3 s). So a paused
partition is read again only when it holds little.
"""

DueS = Callable[[Record], float]
"""How many seconds a record has yet to wait before it may be worked on; 0 or less: none."""


def due_at_once(record: Record) -> float:
    """The answer for topics without delay."""
    return 0.0


@dataclass(slots=True, eq=False)
class Lane:
    """One owned partition."""

    partition: TopicPartition
    pending: deque[Record] = field(default_factory=deque)
    pending_bytes: int = 0
    expected: int = 0
    """The offset after the newest record received: a lower one means that the log began anew."""
    position: int | None = None
    """The offset after the last record finished; None = none yet."""
    committed: int | None = None
    """The position last handed to the group."""
    wait_until_s: float = 0.0
    waits_for: str = ""
    failures: int = 0
    """How often in a row the work itself failed."""
    paused: bool = False
    gone: bool = False
    """The partition was taken away while work on it was under way: forget the result."""

    def receive(self, record: Record) -> bool:
        """Take a record in; False when it shows that the log began anew."""
        in_order = record.offset >= self.expected
        self.expected = record.offset + 1
        self.pending.append(record)
        self.pending_bytes += _bytes(record)
        return in_order

    def batch(self, *, size: int, due_s: DueS) -> Sequence[Record]:
        """The next records that are due, at most `size` of them and at most BYTES_MAX (but always one).

        Their offsets ascend: a log that began anew begins a batch.
        """
        chosen: list[Record] = []
        weight = 0
        for record in self.pending:
            weight += _bytes(record)
            if len(chosen) >= size or due_s(record) > 0:
                break
            if chosen and (weight > BYTES_MAX or record.offset <= chosen[-1].offset):
                break
            chosen.append(record)
        return chosen

    def finish(self, count: int) -> None:
        """The next `count` records are done."""
        for _ in range(count):
            record = self.pending.popleft()
            self.pending_bytes -= _bytes(record)
            self.position = record.offset + 1

    def wait(self, until_s: float, reason: str) -> None:
        """Start nothing before that moment of the monotonic clock."""
        self.wait_until_s = until_s
        self.waits_for = reason

    def is_ready(self, now_s: float) -> bool:
        """Whether there is something to start now."""
        return bool(self.pending) and now_s >= self.wait_until_s

    def should_pause(self, now_s: float) -> bool:
        """Whether reading more of it is of no use for now."""
        waits = bool(self.pending) and now_s < self.wait_until_s
        share = 4 if self.paused else 1
        return waits or len(self.pending) * share >= RECORDS_MAX or self.pending_bytes * share >= BYTES_MAX


def dirty(lanes: Iterable[Lane]) -> dict[TopicPartition, int]:
    """The positions that the group does not know yet."""
    return {
        lane.partition: lane.position for lane in lanes if lane.position is not None and lane.position != lane.committed
    }


def _bytes(record: Record) -> int:
    return len(record.key or b"") + len(record.value or b"") + 100  # headers and the object, roughly
