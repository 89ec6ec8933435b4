"""Waiting for work: a hint through Redis wakes the relay at once, an adaptive look at the table covers its loss."""

from __future__ import annotations

import threading

import redis
import structlog
from redis.client import PubSub

from outbox.operations import hints
from reliability.kernel import clock

log = structlog.get_logger(__name__)

BUSY_S = 0.01  # to the next look after work was found
IDLE_S = 1.0  # between looks when there was nothing for long; bounds the delay without Redis
REDIS_PAUSE_S = 5.0  # a dead Redis is asked again after this


class Waker:
    """Waits between two steps of one relay; one thread."""

    def __init__(self, *, stop: threading.Event, time: clock.Clock = clock.SYSTEM) -> None:
        self._stop = stop
        self._time = time
        self._pause_s = BUSY_S
        self._pubsub: PubSub | None = None
        self._redis_again_s = float("-inf")

    def worked(self) -> None:
        """There was work: look again soon."""
        self._pause_s = BUSY_S

    def wait(self) -> None:
        """Wait for a hint, or twice as long as the last time, up to ``IDLE_S``."""
        if self._hinted(self._pause_s):
            self._pause_s = BUSY_S
        else:
            self._pause_s = min(self._pause_s * 2, IDLE_S)

    def close(self) -> None:
        """Give the connection back."""
        if self._pubsub is not None:
            self._pubsub.close()
            self._pubsub = None

    def _hinted(self, timeout_s: float) -> bool:
        if self._time.monotonic() < self._redis_again_s:
            self._stop.wait(timeout_s)
            return False
        try:
            return self._listen(timeout_s)
        except (redis.RedisError, OSError) as error:
            log.warning("outbox_hints_away", error=str(error), effect=f"looking every {IDLE_S} s at the most")
            self.close()
            self._redis_again_s = self._time.monotonic() + REDIS_PAUSE_S
            return False

    def _listen(self, timeout_s: float) -> bool:
        if self._pubsub is None:
            self._pubsub = hints.client().pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call] # redis-py's own
            self._pubsub.subscribe(hints.channel())
            self._pubsub.get_message(timeout=hints.TIMEOUT_S)  # the answer to the subscription
            return True  # what was hinted before is not heard: look
        hinted = self._pubsub.get_message(timeout=timeout_s) is not None
        while hinted and self._pubsub.get_message(timeout=0) is not None:
            pass  # many commits, one look
        return hinted
