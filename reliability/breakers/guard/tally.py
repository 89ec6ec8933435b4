"""Counting calls where they happen: without a lock as long as they do well."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count
from math import frexp

from reliability.breakers.domain.evidence import Counts
from reliability.breakers.domain.latency import ADDED_S, BASE, COUNT, SCALE, STEPS


class Counter:
    """Counts up from many threads: one step of an iterator is one instruction of the interpreter, so none is lost."""

    __slots__ = ("_reads", "_seen", "up")

    def __init__(self) -> None:
        self.up: Callable[[], int] = count().__next__
        self._reads = self._seen = 0

    def taken(self) -> int:
        """Return how much was counted since the last look; only one thread looks. To look is to count, once."""
        total = self.up() - self._reads
        self._reads += 1
        fresh, self._seen = total - self._seen, total
        return fresh


class Tally:
    """What the calls came to that one generation let through. A call keeps the tally under which it began."""

    __slots__ = (
        "_failed",
        "_failed_took",
        "_lock",
        "_rejected",
        "_slow",
        "_slow_left",
        "_steps",
        "_ups",
        "gen",
        "row",
        "used",
    )

    def __init__(self, gen: int) -> None:
        self.gen = gen
        self.row = 0
        self.used = False
        self._steps = [Counter() for _ in range(COUNT)]
        self._ups = [counter.up for counter in self._steps]
        self._slow, self._rejected = Counter(), Counter()
        self._slow_left = 0
        self._lock = threading.Lock()
        self._failed = 0
        self._failed_took: dict[int, int] = {}

    def well(self, took_s: float) -> None:
        """Count a call that did well."""
        self.used = True
        mantissa, exponent = frexp(took_s + ADDED_S)
        try:
            self._ups[int(mantissa * SCALE) + exponent * STEPS + BASE]()
        except IndexError:
            self._ups[-1]()
        if self.row:
            self.row = 0

    def slow(self) -> None:
        """Say of a call that was counted by ``well`` that it took too long."""
        self._slow.up()

    def badly(self, took_s: float) -> int:
        """Count a call that failed; return how many have failed in a row."""
        mantissa, exponent = frexp(took_s + ADDED_S)
        at = min(int(mantissa * SCALE) + exponent * STEPS + BASE, COUNT - 1)
        with self._lock:
            self.used = True
            self._failed += 1
            self._failed_took[at] = self._failed_took.get(at, 0) + 1
            self.row += 1
            return self.row

    def rejected(self) -> None:
        """Count a call that was not made."""
        self.used = True
        self._rejected.up()

    def taken(self) -> Counts:
        """Return what was counted since the last look; only one thread looks."""
        if not self.used:
            return Counts()
        self.used = False  # before the counting: what comes meanwhile is counted now or next time
        took = {at: fresh for at, counter in enumerate(self._steps) if (fresh := counter.taken())}
        well = sum(took.values())
        with self._lock:
            failed, self._failed = self._failed, 0
            for at, number in self._failed_took.items():
                took[at] = took.get(at, 0) + number
            self._failed_took.clear()
            row = self.row
        slow = self._slow_left + self._slow.taken()
        self._slow_left = max(0, slow - well)  # counted between the two looks at it: it belongs to the next telling
        return Counts(
            calls=well + failed,
            failed=failed,
            slow=min(slow, well),
            row=min(row, failed),
            rejected=self._rejected.taken(),
            took=took,
        )
