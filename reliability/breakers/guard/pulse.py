"""The threads of an agent: one that looks at regular times or when it is woken, one that listens."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import structlog

from reliability.kernel import clock

log = structlog.get_logger(__name__)

LOOK_EVERY_S: Final = 0.25
ALARM_AFTER_S: Final = 0.01
"""What wakes is looked at so soon; what comes in between goes with it."""
STOP_WITHIN_S: Final = 2.0

Listen = Callable[[Callable[[str], None], Callable[[], bool]], None]


class Pulse:
    """Calls ``look`` four times a second, and sooner when it is woken; ``listen`` calls ``heard`` until it is told to
    end. Both run in daemon threads, which begin when they are asked for, once in a process.
    """

    def __init__(self, look: Callable[[], None], heard: Callable[[str], None], listen: Listen | None) -> None:
        self._look, self._heard, self._listen = look, heard, listen
        self.renew()

    def renew(self) -> None:
        """Begin anew in a process that was forked: its parent's threads are not in it."""
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._over = threading.Event()  # of these threads: those of before have their own

    def started(self) -> bool:
        """Have the threads run; False when there can be none now."""
        if self._thread is not None or self._over.is_set():
            return self._thread is not None
        thread = threading.Thread(target=self._run, args=(self._over,), name="breakers", daemon=True)
        try:
            thread.start()
            self._thread = thread
            if self._listen is not None:
                arguments = (self._heard, self._over.is_set)
                threading.Thread(target=self._listen, args=arguments, name="breakers-listener", daemon=True).start()
        except RuntimeError as error:  # no more threads: the next call tries again
            log.warning("breakers_no_thread", error=str(error))
        return self._thread is not None

    def wake(self) -> None:
        """Have it look soon."""
        self._wake.set()

    def stop(self) -> None:
        """Look a last time and end, within ``STOP_WITHIN_S``."""
        self._over.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=STOP_WITHIN_S)

    def _run(self, over: threading.Event) -> None:
        while not over.is_set():
            if self._wake.wait(LOOK_EVERY_S):
                clock.SYSTEM.sleep(ALARM_AFTER_S)
                self._wake.clear()
            self._looked()
        self._looked()  # what was counted meanwhile

    def _looked(self) -> None:
        try:
            self._look()
        except Exception:
            log.exception("breakers_look_failed")  # a fault of ours must not end the looking
            clock.SYSTEM.sleep(LOOK_EVERY_S)
