"""librdkafka's own log lines in our log, throttled: a broker that is away makes a line a second."""

from __future__ import annotations

import threading

import structlog

from reliability.kernel import clock

log = structlog.get_logger(__name__)

EVERY_S = 30.0


class Throttled:
    """Has the `log` method that the client calls; passes one line per facility each 30 s and counts the rest."""

    def __init__(self, client_id: str, *, time: clock.Clock = clock.SYSTEM) -> None:
        self._client_id = client_id
        self._time = time
        self._lock = threading.Lock()
        self._passed_s: dict[str, float] = {}
        self._held_back: dict[str, int] = {}

    def log(self, level: int, text: str, *details: object) -> None:
        """Called by the client with (level, format, facility, client name, line)."""
        facility = str(details[0]) if details else "?"
        held_back = self._admit(facility)
        if held_back is None:
            return
        line = text % details if details else text
        log.log(level, "kafka_client", client=self._client_id, facility=facility, line=line, held_back=held_back)

    def _admit(self, facility: str) -> int | None:
        """The number of lines held back since the last one that passed; None: hold this one back."""
        with self._lock:
            now_s = self._time.monotonic()
            last_s = self._passed_s.get(facility)
            if last_s is not None and now_s - last_s < EVERY_S:
                self._held_back[facility] = self._held_back.get(facility, 0) + 1
                return None
            self._passed_s[facility] = now_s
            return self._held_back.pop(facility, 0)
