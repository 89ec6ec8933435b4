"""How many items a run may put into the outbox now: canary first, then its rate, never too many on their way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

CANARY = (1, 5, 20, 100)
"""Items of each canary step; after the last step the rate alone decides."""

RATE_MAX = 1_000.0  # items per second; the relay is shared with everybody else's events
RATE_DEFAULT = 100.0

WINDOW_S = 2.0  # seconds of its rate that a run may have on their way ...
WINDOW_ITEMS_MAX = 200  # ... and never more than this: what is on its way cannot be taken back


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What a run remembers between two looks: canary step, unused allowance (items) and when it was counted.

    ``base`` is how many items had been fed when the ramp began: a run that stopped by itself begins it anew.
    """

    step: int
    base: int
    credit: float
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How many items may be appended now, the pace to remember, and the step to show ("" at full rate)."""

    count: int
    pace: Pace
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What is known of the items fed so far: how many, how many are not sent yet, how many have no outcome yet.

    ``last_sent_at`` is when the last of them got its receipt.
    """

    fed: int
    unsent: int
    unjudged: int
    last_sent_at: datetime | None


def window(rate: float) -> int:
    """Return how many items of a run may be appended but unsent: 2 s of its rate, at least 1, at most 200."""
    return max(1, min(WINDOW_ITEMS_MAX, int(rate * WINDOW_S)))


def allowance(pace: Pace, traffic: Traffic, *, rate: float, patience_s: float, now: datetime) -> Allowance:
    """Return what a running run may append now.

    ``patience_s``: seconds after its last receipt for which a canary step waits for outcomes; then the next step goes
    on without them, because a group that is slow or unknown must not hold a replay for ever.
    """
    elapsed_s = max(0.0, (now - pace.at).total_seconds())
    credit = min(pace.credit + elapsed_s * rate, max(1.0, rate * WINDOW_S))
    step = _step(pace, traffic, patience_s=patience_s, now=now)
    room = min(window(rate) - traffic.unsent, int(credit))
    note = ""
    if step < len(CANARY):
        left = pace.base + sum(CANARY[: step + 1]) - traffic.fed
        room = min(room, left)
        only_queued = 0 < traffic.unsent == traffic.unjudged
        waits = ", waiting for the outbox" if only_queued else ", waiting for outcomes"
        note = f"canary {step + 1}" + ("" if left > 0 else waits)
    count = max(0, room)
    return Allowance(count=count, pace=Pace(step=step, base=pace.base, credit=credit - count, at=now), note=note)


def _step(pace: Pace, traffic: Traffic, *, patience_s: float, now: datetime) -> int:
    step = pace.step
    while step < len(CANARY) and traffic.fed >= pace.base + sum(CANARY[: step + 1]):
        if traffic.unjudged and not _patience_ended(traffic, patience_s=patience_s, now=now):
            break
        step += 1
    return step


def _patience_ended(traffic: Traffic, *, patience_s: float, now: datetime) -> bool:
    if traffic.unsent or traffic.last_sent_at is None:
        return False
    return (now - traffic.last_sent_at).total_seconds() >= patience_s


def duration_s(*, items: int, rate: float, patience_s: float) -> tuple[float, float]:
    """Return the shortest and longest time, in seconds, to send ``items``: canaries judged at once, or never."""
    steps = sum(1 for step in range(len(CANARY)) if items > sum(CANARY[: step + 1]))
    shortest = items / rate
    return shortest, shortest + steps * patience_s
