"""Tell live pages that something changed: on commit, coalesced, cheap, and never in the writer's way."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
import redis
import structlog
from django.db import transaction

from reliability.kernel import clock
from reliability.live import connection
from reliability.live.domain.circuit import Circuit

log = structlog.get_logger(__name__)

VERSION_KEPT_S = 86_400  # a topic not touched for a day reads as version 0: pages re-ask once
DIRTY_KEPT_S = 60  # when no web process empties the set
MOST_WAITING = 500  # topics kept while Redis is away; more are dropped, pages re-ask every 30 s anyway
WARN_EVERY_S = 30.0

# KEYS: counter, dirty, then one version key per topic. ARGV: kept_s of versions, of the dirty set, then topic and JSON.
_BUMP = """
local number = redis.call('INCR', KEYS[1])
for at = 3, #KEYS do
  redis.call('SET', KEYS[at], number, 'EX', ARGV[1])
  redis.call('HSET', KEYS[2], ARGV[at * 2 - 3], number .. ' ' .. ARGV[at * 2 - 2])
end
redis.call('EXPIRE', KEYS[2], ARGV[2])
return number
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What a page may learn without asking: never payloads, never HTML."""

    worst: str | None = None
    samples: Mapping[str, float] | None = None

    def packed(self) -> bytes:
        """The JSON beside the version."""
        return orjson.dumps({"worst": self.worst, "samples": dict(self.samples) if self.samples else None})


@dataclass(slots=True)
class Publisher:
    """Sends hints to Redis. When Redis is away the topics wait here, one hint each, and go with the next success."""

    url: str = ""
    timeout_s: float = connection.HINT_TIMEOUT_S
    time: clock.Clock = clock.SYSTEM
    circuit: Circuit = field(default_factory=Circuit)
    waiting: dict[str, Hint] = field(default_factory=dict)
    _warned_s: float = -WARN_EVERY_S
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, topic: str, hint: Hint) -> None:
        """Bump the topic's version and mark it dirty. Raises nothing and takes at most twice ``timeout_s``."""
        with self._lock:
            if topic in self.waiting or len(self.waiting) < MOST_WAITING:
                self.waiting[topic] = hint
            if not self.circuit.allows(self.time.monotonic()):
                return
            hints, self.waiting = self.waiting, {}
        try:
            self._bump(hints)
        except (redis.RedisError, OSError) as error:
            self._failed(hints, error)
            return
        if self.circuit.failures:
            log.info("live_hints_recovered", waited=len(hints) - 1)
        self.circuit = self.circuit.succeeded()

    def _bump(self, hints: Mapping[str, Hint]) -> None:
        keys = [connection.COUNTER_KEY, connection.DIRTY_KEY, *(connection.VERSION_PREFIX + topic for topic in hints)]
        pairs = [part for topic, hint in hints.items() for part in (topic, hint.packed())]
        arguments = [str(VERSION_KEPT_S), str(DIRTY_KEPT_S), *pairs]
        connection.client(self.timeout_s, url=self.url).eval(_BUMP, len(keys), *keys, *arguments)

    def _failed(self, hints: Mapping[str, Hint], error: Exception) -> None:
        now_s = self.time.monotonic()
        with self._lock:
            self.circuit = self.circuit.failed(now_s)
            self.waiting = {**hints, **self.waiting}
            warn, self._warned_s = now_s - self._warned_s >= WARN_EVERY_S, max(self._warned_s, now_s)
        if warn:
            log.warning("live_hints_lost", error=str(error), meaning="pages poll until Redis answers")


@dataclass(frozen=True, slots=True)
class _OnCommit:
    """What is run at commit; equal for equal topics, so a transaction sends each topic once."""

    topic: str
    hint: Hint = field(compare=False)

    def __call__(self) -> None:
        PUBLISHER.send(self.topic, self.hint)


PUBLISHER = Publisher()


def changed(topic: str, *, worst: str | None = None, samples: Mapping[str, float] | None = None) -> None:
    """Say that what ``topic`` shows has changed; pages hear of it when the transaction around commits, else at once.

    Topics are those of ``live/domain/topics.py``. ``samples`` are numbers for charts. Raises nothing without Redis.
    """
    call = _OnCommit(topic, Hint(worst=worst, samples=samples))
    # A thousand rows in one transaction are one hint. A callback of a rolled-back savepoint has left this list.
    if any(entry[1] == call for entry in transaction.get_connection().run_on_commit):
        return
    transaction.on_commit(call, robust=True)
