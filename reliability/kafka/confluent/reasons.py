"""Why librdkafka has no connection: it answers questions with "transport failure" and tells the reason elsewhere."""

from __future__ import annotations

import threading

from confluent_kafka import KafkaError

from reliability.kafka import ports, troubles
from reliability.kernel import clock

FRESH_S = 60.0
"""An older reason may have passed: it is not told of a failure of now."""
_NO_REASON = frozenset({KafkaError._ALL_BROKERS_DOWN})


class LastReason:
    """Keeps the last reason that the client told. Its ``met`` is the client's ``error_cb``."""

    def __init__(self, *, time: clock.Clock = clock.SYSTEM) -> None:
        self._time = time
        self._lock = threading.Lock()
        self._text = ""
        self._at_s = 0.0

    def met(self, error: KafkaError) -> None:
        """Take in an error of the client's connections."""
        if error.code() not in _NO_REASON:
            with self._lock:
                self._text, self._at_s = error.str(), self._time.monotonic()

    def added_to(self, unavailable: ports.Unavailable) -> ports.Unavailable:
        """Return the failure with the reason before it, where a known one was told within the last minute."""
        with self._lock:
            is_fresh = self._text and self._time.monotonic() - self._at_s <= FRESH_S
            reason = troubles.said(self._text) if is_fresh else ""
        return ports.Unavailable(f"{reason} ({unavailable})") if reason else unavailable
