"""A thread that sends wake-ups, so that nobody who commits waits for the server that takes them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from reliability.kernel import clock


class Waker:
    """Calls ``send`` soon after it was called itself; many calls at once become one.

    ``send`` returns False when its server did not take the wake-up: then the next one waits ``pause_s``, else
    ``every_s``. Nothing is kept: a wake-up that is lost is covered by a schedule.
    """

    def __init__(self, name: str, send: Callable[[], bool], *, every_s: float, pause_s: float) -> None:
        self._name, self._send, self._every_s, self._pause_s = name, send, every_s, pause_s
        self._wanted = threading.Event()
        self._pid = 0
        self._lock = threading.Lock()

    def __call__(self) -> None:
        """Have a wake-up sent; returns at once."""
        with self._lock:
            if self._pid != os.getpid():  # threads do not survive a fork
                self._pid = os.getpid()
                threading.Thread(target=self._run, name=self._name, daemon=True).start()
        self._wanted.set()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            clock.SYSTEM.sleep(self._every_s if self._send() else self._pause_s)
