"""The size an event may have, per topic, as the relay learned it from Kafka."""

from __future__ import annotations

import threading

from django.conf import settings
from django.db import connection

from outbox.domain.event import DEFAULT_LIMIT_BYTES
from reliability.kernel import clock

REFRESH_S = 30.0  # a topic's limit is changed rarely, and a wrong one is caught by the relay

_BROKER = ""  # the row that holds the broker's default, for topics not yet seen

_lock = threading.Lock()
_known: dict[str, int] = {}
_read_at_s = float("-inf")


def of(topic: str) -> int:
    """Return the largest event, in bytes, that ``topic`` takes."""
    known = _current()
    fallback = int(getattr(settings, "OUTBOX_DEFAULT_LIMIT_BYTES", DEFAULT_LIMIT_BYTES))
    return known.get(topic, known.get(_BROKER, fallback))


def forget() -> None:
    """Read the limits again at the next question."""
    global _read_at_s
    with _lock:
        _read_at_s = float("-inf")


def _current() -> dict[str, int]:
    global _known, _read_at_s
    now_s = clock.SYSTEM.monotonic()
    with _lock:
        if now_s - _read_at_s < REFRESH_S:
            return _known
        _read_at_s = now_s
    with connection.cursor() as cursor:
        cursor.execute("SELECT topic, limit_bytes FROM outbox_topic")
        known = dict(cursor.fetchall())
    with _lock:
        _known = known
    return known
