"""The gate of work that depends on breakers: shut while one is open, ajar while one recovers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from reliability.breakers.domain.machine import Override, State
from reliability.breakers.domain.standing import Standing
from reliability.breakers.guard import passes
from reliability.breakers.guard.around import Breaker
from reliability.breakers.guard.guard import ALL, SOON_S, Guard
from reliability.breakers.registry import breaker
from reliability.kafka.ports import Passage

LOOK_AGAIN_S: Final = 0.25
"""What is known of a breaker is in memory, and a person may let go on at any moment: it is looked at so often."""

_FREE: Final = Passage(share=1.0)


class WaitsFor:
    """Whether work that calls through these breakers may be done now; a ``Gate`` of the consume loop.

    ``passage`` answers from memory (but at the first time in a process, which may take a second). The work itself is
    done within ``admitted``, where the permits of a half-open breaker are asked for and the calls of the work pass.
    """

    def __init__(self, breakers: Sequence[Breaker]) -> None:
        self.breakers = tuple(breakers)

    def passage(self) -> Passage:
        """Return the share of the time for work, and how many pieces at once; the narrowest of all breakers."""
        found = _FREE
        for each in self.breakers:
            if not each.guard.free:
                found = _narrower(found, _passage(each.guard))
        return found

    def again_s(self) -> float:
        """Return in how many seconds asking again may be worth it, where nothing may be done now; at least 0."""
        guards = [each.guard for each in self.breakers if not each.guard.free]
        return max((_again_s(guard) for guard in guards if _passage(guard).share == 0), default=0.0)

    def ramp_left_s(self) -> float:
        """Return how long the ramp of a breaker that recovers has yet to go, in seconds; 0 when none recovers."""
        guards = [each.guard for each in self.breakers if 0 < each.guard.standing.share < ALL]
        return max((guard.standing.breaker.since + guard.rules.ramp_s - guard.now() for guard in guards), default=0.0)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Do one piece of work; raises ``BreakerOpen``, before it has begun, when a breaker refuses it.

        The calls of the work through these breakers are neither refused a second time by a ramp nor asked for a
        second permit. The ramp's share of the pieces is for whoever gives them out: see ``passage``.
        """
        with passes.carrying([each.guard for each in self.breakers]):
            yield


def waits_for(*breakers: str | Breaker) -> WaitsFor:
    """Return the gate of work that depends on these breakers, named or as they are; raises ``WrongRules``.

    A breaker that is only named here is declared elsewhere, in this process or another one.
    """
    return WaitsFor([breaker(each) if isinstance(each, str) else each for each in breakers])


def _narrower(one: Passage, other: Passage) -> Passage:
    narrow, wide = (other, one) if other.share < one.share else (one, other)
    if narrow.share <= 0:
        return narrow
    records, again_s = min(one.records, other.records), min(one.again_s, other.again_s)
    return Passage(share=narrow.share, records=records, again_s=again_s, reason=narrow.reason or wide.reason)


def _passage(guard: Guard) -> Passage:
    guard.begin()
    standing = guard.standing
    if guard.free:
        return _FREE
    if standing.share:
        why = f"the breaker {guard.name}, which lets {standing.share} % of the work pass while it recovers"
        return Passage(share=standing.share / ALL, again_s=LOOK_AGAIN_S, reason=why)
    if standing.asks(guard.now()):
        why = f"the breaker {guard.name}, which lets a few try"
        return Passage(share=1.0, records=1, again_s=LOOK_AGAIN_S, reason=why)
    return Passage(share=0.0, again_s=LOOK_AGAIN_S, reason=_why(guard.name, standing, guard.now()))


def _again_s(guard: Guard) -> float:
    now, standing = guard.now(), guard.standing
    return max(standing.breaker.retry_after_s(now), 0.0) or SOON_S


def _why(name: str, standing: Standing, now: float) -> str:
    known = standing.breaker
    if known.overridden(now) is Override.FORCED_OPEN:
        return f"the breaker {name}, which a person holds open"
    if known.state is State.HALF_OPEN:
        return f"the breaker {name}, while others try whether it does well again"
    return (
        f"the breaker {name}, which is open: {known.reason}" if known.reason else f"the breaker {name}, which is open"
    )
