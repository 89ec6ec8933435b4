"""What calls came to: counted by a process, pooled over a fleet, summed over the window of a breaker's rules."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reliability.breakers.domain.machine import Sums
from reliability.breakers.domain.rules import Rules

SLICES = 10
"""Parts of a window: so much of it, at most, is forgotten at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Calls of one breaker that ended in one process since it counted last.

    ``failed`` and ``slow`` are parts of ``calls``; a call that failed slowly is in ``failed`` alone. ``row``: failures
    in a row at the end; ``rejected``: calls that were not made; ``took``: calls by the time they took (``latency``).
    """

    calls: int = 0
    failed: int = 0
    slow: int = 0
    row: int = 0
    rejected: int = 0
    took: Mapping[int, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.calls or self.rejected)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCounts:
    """Calls of one host within a window."""

    calls: int = 0
    failed: int = 0
    slow: int = 0

    def is_troubled(self, rules: Rules) -> bool:
        """Whether its own calls would open a breaker of its own, however few they are."""
        bad = self.failed >= rules.failure_rate * self.calls or self.slow >= rules.slow_rate * self.calls
        return self.calls > 0 and bad


def summed(hosts: Sequence[HostCounts], row: int, rules: Rules, *, row_hosts: int = 1) -> Sums:
    """Return what the hosts' counts come to together; ``row``: failures in a row over all of them, on ``row_hosts``."""
    return Sums(
        calls=sum(host.calls for host in hosts),
        failed=sum(host.failed for host in hosts),
        slow=sum(host.slow for host in hosts),
        row=row,
        row_hosts=row_hosts,
        hosts=sum(host.calls > 0 for host in hosts),
        troubled=sum(host.is_troubled(rules) for host in hosts),
    )


def slice_s(window_s: float) -> float:
    """Return how long one part of a window is, in seconds."""
    return window_s / SLICES


def in_a_row(before: int, counts: Counts) -> int:
    """Return how many failures in a row there are at the end, after ``before`` of them."""
    return before + counts.failed if counts.calls == counts.failed else counts.row


class Window:
    """The counts of one process or host within a window that moves with the clock, in seconds of any clock."""

    def __init__(self, window_s: float) -> None:
        self._slice_s = slice_s(window_s)
        self._slices: deque[tuple[int, HostCounts]] = deque()
        self.row = 0

    def add(self, counts: Counts, *, now: float) -> None:
        """Count what ended now."""
        if not counts.calls:
            return
        self.row = in_a_row(self.row, counts)
        number = int(now / self._slice_s)
        before = HostCounts()
        if self._slices and self._slices[-1][0] == number:
            _, before = self._slices.pop()
        after = HostCounts(
            calls=before.calls + counts.calls, failed=before.failed + counts.failed, slow=before.slow + counts.slow
        )
        self._slices.append((number, after))

    def counts(self, *, now: float) -> HostCounts:
        """Return what ended within the window; what is older is forgotten."""
        oldest = int(now / self._slice_s) - SLICES
        while self._slices and self._slices[0][0] <= oldest:
            self._slices.popleft()
        kept = [counts for _, counts in self._slices]
        return HostCounts(
            calls=sum(each.calls for each in kept),
            failed=sum(each.failed for each in kept),
            slow=sum(each.slow for each in kept),
        )
