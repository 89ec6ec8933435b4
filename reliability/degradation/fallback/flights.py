"""One call at a time asks for a key; whoever comes meanwhile gets the same answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from reliability.degradation.domain.fallback import Copy, Outcome


@dataclass(frozen=True, slots=True)
class Landed:
    """What one call found out for all that wait for it. ``copy`` is there but for DEFAULT and FAILED.

    ``error``: why nothing was answered; None also where the dependency was not asked.
    """

    outcome: Outcome
    copy: Copy | None = None
    error: Exception | None = None


Flight = Future[Landed | None]
"""None lands when the one who asked went away: somebody else has to ask."""
LATE: Final = Landed(Outcome.FAILED)
"""For who has waited long enough."""


class Flights:
    """Those that are under way, by key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[str, Flight] = {}

    def board(self, key: str) -> tuple[Flight, bool]:
        """Return the flight of a key, and whether the caller is the one who asks."""
        with self._lock:
            flight = self._under_way.get(key)
            if flight is not None:
                return flight, False
            flight = self._under_way[key] = Future()
            flight.set_running_or_notify_cancel()  # from now on nobody who waits can cancel it for the others
            return flight, True

    @contextmanager
    def leading(self, key: str, flight: Flight) -> Iterator[None]:
        """Land for certain, whatever happens to the one who asks."""
        try:
            yield
        except Exception as error:
            flight.set_exception(error)
            raise
        finally:
            with self._lock:
                self._under_way.pop(key, None)
            if not flight.done():
                flight.set_result(None)


def wait(flight: Flight, *, wait_s: float) -> Landed | None:
    """Wait for what another call finds out, ``wait_s`` seconds at most; raises what it raised."""
    try:
        return flight.result(wait_s)
    except TimeoutError:
        if flight.done():
            raise  # the dependency's own
        return LATE


async def wait_async(flight: Flight, *, wait_s: float) -> Landed | None:
    """Like ``wait``, without holding up the event loop."""
    done, _ = await asyncio.wait([asyncio.wrap_future(flight)], timeout=wait_s)
    return done.pop().result() if done else LATE
