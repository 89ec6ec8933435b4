"""When a message that did not arrive is sent again, and when it is given up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from reliability.kernel import backoff

FIRST_S: Final = 4.0
LONGEST_S: Final = 300.0
GIVEN_UP_AFTER: Final = timedelta(hours=24)
"""A message that is a day old tells nobody anything: it stays in the log, and can be sent again by hand."""


def next_try(
    *, attempts: int, created_at: datetime, now: datetime, asked_s: float | None, random: Callable[[], float]
) -> datetime | None:
    """Return when to try again after ``attempts`` tries; None: it is given up.

    ``asked_s``: what the other side asked for (Retry-After), kept within bounds. Half of each wait is by chance.
    """
    if now - created_at >= GIVEN_UP_AFTER:
        return None
    wait = backoff.delay_s(attempt=max(1, attempts), base_s=FIRST_S, cap_s=LONGEST_S, random=lambda: 0.5 + random() / 2)
    if asked_s is not None:
        wait = max(wait, min(asked_s, LONGEST_S))
    return now + timedelta(seconds=wait)
