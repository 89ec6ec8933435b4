"""Rights to call that a piece of work brings along: whoever gave it out has asked the breakers beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from reliability.breakers.stores.fleet import Permit

if TYPE_CHECKING:
    from reliability.breakers.guard.guard import Guard


class Pass:
    """The right of one piece of work to call through one breaker, as often as it likes.

    ``standing``: whose breaker let it pass, and its generation. In a half-open one it holds a permit: the first call
    is the probe, and those that follow it belong to the same work.
    """

    __slots__ = ("_permits", "standing")

    def __init__(self, standing: tuple[object, int], permit: Permit | None) -> None:
        self.standing = standing
        self._permits = [] if permit is None else [permit]

    def take(self) -> Permit | None:
        """Return the permit that no call has taken yet; None: there is none, or none any more."""
        try:
            return self._permits.pop()
        except IndexError:
            return None


_NONE: Mapping[str, Pass] = {}
_carried: ContextVar[Mapping[str, Pass]] = ContextVar("breaker_passes", default=_NONE)


all_carried: Callable[[], Mapping[str, Pass]] = _carried.get
"""Returns the passes that the work under way here brought along, by breaker."""


@contextmanager
def carrying(guards: Sequence[Guard]) -> Iterator[None]:
    """Ask all of them once, now, for whatever is called meanwhile; raises ``BreakerOpen`` when one of them refuses.

    A permit that no call needed is handed back: the work says nothing of what it did not call.
    """
    given: dict[str, Pass] = {}
    try:
        for guard in guards:
            given[guard.name] = guard.pass_on()
        token = _carried.set({**_carried.get(), **given})
        try:
            yield
        finally:
            _carried.reset(token)
    finally:
        for guard in guards:
            permit = given[guard.name].take() if guard.name in given else None
            if permit is not None:
                guard.hand_back(permit)
