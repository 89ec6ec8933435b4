"""The hint that wakes the relays after a commit. It may be lost: the relays also look by themselves.

A thread of its own sends it, so that a commit never waits for Redis; many commits in a row make one hint.
"""

from __future__ import annotations

import os
import threading

import redis
import structlog
from django.conf import settings

from reliability.kernel import clock, redis_client

log = structlog.get_logger(__name__)

TIMEOUT_S = 0.2  # a Redis that takes longer is treated as dead
PAUSE_AFTER_ERROR_S = 5.0  # the breaker: a dead Redis is asked again after this

_lock = threading.Lock()
_sender: Sender | None = None


def channel() -> str:
    """Return the Redis channel on which the relays of this outbox listen."""
    return f"mainstay:outbox:{getattr(settings, 'MAINSTAY_OUTBOX_NAME', 'main')}:wake"


def client(*, timeout_s: float = TIMEOUT_S) -> redis.Redis:
    """Return a Redis client that gives up soon and does not try again by itself."""
    return redis_client.impatient(settings.REDIS_URL, timeout_s)


def give() -> None:
    """Wake the relays soon. Returns at once, never raises; without Redis it does nothing."""
    global _sender
    if not getattr(settings, "REDIS_URL", ""):
        return
    sender = _sender
    if sender is None or sender.pid != os.getpid():  # threads do not survive a fork
        with _lock:
            if _sender is None or _sender.pid != os.getpid():
                _sender = Sender()
            sender = _sender
    sender.wanted.set()


class Sender:
    """The thread that sends hints for this process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.wanted = threading.Event()
        self._client = client()
        self._channel = channel()
        threading.Thread(target=self._run, name="outbox-hints", daemon=True).start()

    def _run(self) -> None:
        failing = False
        while True:
            self.wanted.wait()
            self.wanted.clear()
            try:
                self._client.publish(self._channel, b"")
                failing = False
            except redis.RedisError as error:
                if not failing:
                    log.warning("outbox_hint_failed", error=str(error), effect="events wait for the relay's next look")
                failing = True
                clock.SYSTEM.sleep(PAUSE_AFTER_ERROR_S)
