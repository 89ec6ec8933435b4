"""Trying a call of one's own while a breaker is open: nobody waits for it, and nobody need call for it to close."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import structlog

from reliability.breakers.guard.around import Breaker
from reliability.breakers.guard.errors import BreakerOpen
from reliability.breakers.guard.guard import Guard

log = structlog.get_logger(__name__)

Probe = Callable[[], object]


class Probing:
    """Runs a breaker's probe whenever a call might ask for a permit, in a thread, one at a time for each breaker.

    The probe is a call like any other: it takes a permit, and how it ends counts.
    """

    def __init__(self, start: Callable[[Callable[[], None]], None] | None = None) -> None:
        """``start`` runs a function elsewhere; a thread of its own unless it is said."""
        self._start = start or _in_a_thread
        self._under_way: set[str] = set()

    def look(self, guards: Iterable[Guard]) -> None:
        """Begin the probes of those that may be tried now."""
        for guard in guards:
            if guard.probe is None or guard.name in self._under_way or not guard.standing.asks(guard.now()):
                continue
            self._under_way.add(guard.name)
            try:
                self._start(lambda guard=guard: self._run(guard))  # type: ignore[misc]
            except RuntimeError as error:  # no more threads: the next look tries again
                self._under_way.discard(guard.name)
                log.warning("breakers_no_probe", name=guard.name, error=str(error))

    def _run(self, guard: Guard) -> None:
        try:
            with Breaker(guard):
                if guard.probe is not None:
                    guard.probe()
        except BreakerOpen:  # others try already
            pass
        except Exception as error:  # noqa: BLE001 - how it failed is counted; that is all it was for
            log.info("breaker_probe_failed", name=guard.name, error=str(error))
        finally:
            self._under_way.discard(guard.name)


def _in_a_thread(run: Callable[[], None]) -> None:
    threading.Thread(target=run, name="breakers-probe", daemon=True).start()
