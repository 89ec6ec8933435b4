"""When a step is tried again, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from reliability.kernel import backoff


def seconds(number: float) -> timedelta:
    """Return a duration of that many seconds."""
    return timedelta(seconds=number)


def minutes(number: float) -> timedelta:
    """Return a duration of that many minutes."""
    return timedelta(minutes=number)


def hours(number: float) -> timedelta:
    """Return a duration of that many hours."""
    return timedelta(hours=number)


def days(number: float) -> timedelta:
    """Return a duration of that many days."""
    return timedelta(days=number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Try at most ``times`` times (None: without end), for at most ``budget`` in all (None: as long as the step may).

    Between two tries lies a random part of a time that doubles from ``base`` to ``cap`` (full jitter).
    """

    times: int | None = 5
    base: timedelta = timedelta(seconds=1)
    cap: timedelta = timedelta(minutes=1)
    budget: timedelta | None = None

    def wait(self, *, failures: int, spent: timedelta, random: Callable[[], float]) -> timedelta | None:
        """Return how long to wait after the ``failures``-th failure (from 1); None: no further try.

        ``spent``: time since the first try began; ``random`` returns a float in [0, 1).
        """
        if self.times is not None and failures >= self.times:
            return None
        wait = timedelta(
            seconds=backoff.delay_s(
                attempt=failures, base_s=self.base.total_seconds(), cap_s=self.cap.total_seconds(), random=random
            )
        )
        return None if self.budget is not None and spent + wait > self.budget else wait


def retry(
    times: int = 5,
    *,
    base: timedelta = timedelta(seconds=1),
    cap: timedelta = timedelta(minutes=1),
    budget: timedelta | None = None,
) -> Retry:
    """Return a policy of ``times`` tries in all, the first one counted."""
    return Retry(times=times, base=base, cap=max(base, cap), budget=budget)


def forever(*, base: timedelta = timedelta(seconds=1), cap: timedelta = timedelta(minutes=5)) -> Retry:
    """Return a policy that never gives up; right beyond the pivot, where there is no way back."""
    return Retry(times=None, base=base, cap=max(base, cap))


def once() -> Retry:
    """Return a policy of one try."""
    return Retry(times=1)
