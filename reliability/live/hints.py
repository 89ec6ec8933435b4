"""Tell live pages that something changed: on commit, coalesced, cheap, and never in the writer's way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

import orjson
import redis
import structlog
from django.conf import settings
from django.db import transaction

from reliability.kernel import clock
from reliability.kernel.telemetry import metrics, names
from reliability.kernel.waker import Waker
from reliability.live import connection
from reliability.live.domain.circuit import Circuit

log = structlog.get_logger(__name__)

NOTE_KEPT_S = 30  # pages read it within a second
MOST_TOPICS = 2_000  # remembered; the one touched longest ago is forgotten first, its pages re-ask once
MOST_WAITING = 500  # topics kept while Redis is away; more are dropped, pages re-ask every 30 s anyway
WARN_EVERY_S = 30.0
AGAIN_AFTER_S = 0.5

# KEYS: epoch, counter, versions, then a note per topic. ARGV: epoch if there is none yet, topics remembered, seconds a
# note is kept, then topic and note. One script: a page can never read a version whose note is still the old one.
_BUMP = """
redis.call('SET', KEYS[1], ARGV[1], 'NX')
local number = redis.call('INCR', KEYS[2])
for at = 4, #KEYS do
  local topic, note = ARGV[at * 2 - 4], ARGV[at * 2 - 3]
  redis.call('ZADD', KEYS[3], number, topic)
  if note == '' then redis.call('DEL', KEYS[at]) else redis.call('SET', KEYS[at], note, 'EX', ARGV[3]) end
end
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - ARGV[2])
return number
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What a page may learn without asking: never payloads, never HTML."""

    worst: str | None = None
    samples: Mapping[str, float] | None = None

    def packed(self) -> str:
        """JSON of what there is to say; "" when there is nothing."""
        said = {"worst": self.worst, "samples": dict(self.samples) if self.samples else None}
        there = {name: value for name, value in said.items() if value is not None}
        return orjson.dumps(there).decode() if there else ""


@dataclass(slots=True)
class Publisher:
    """Sends hints to Redis. When Redis is away the topics wait here, one hint each, and go with the next success.

    ``again`` is called whenever some wait: it has ``resend`` called a little later, for there may be no next hint.
    """

    url: str = ""
    timeout_s: float = connection.HINT_TIMEOUT_S
    time: clock.Clock = clock.SYSTEM
    circuit: Circuit = field(default_factory=Circuit)
    waiting: dict[str, Hint] = field(default_factory=dict)
    again: Callable[[], None] = lambda: None
    _warned_s: float = -WARN_EVERY_S
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, topic: str, hint: Hint) -> None:
        """Give the topic a new version. Raises nothing and takes at most twice ``timeout_s``."""
        with self._lock:
            if topic in self.waiting or len(self.waiting) < MOST_WAITING:
                self.waiting[topic] = hint
        self.resend()

    def resend(self) -> bool:
        """Send what waits; return whether nothing waits any more. Raises nothing."""
        with self._lock:
            is_allowed = not self.waiting or self.circuit.allows(self.time.monotonic())
            hints, self.waiting = (self.waiting, {}) if is_allowed else ({}, self.waiting)
        if not is_allowed:
            self.again()
        elif hints:
            try:
                self._bump(hints)
            except (redis.RedisError, OSError, ValueError) as error:  # an address that is none, too
                self._failed(hints, error)
                return False
            self._succeeded(hints)
        return is_allowed

    def _succeeded(self, hints: Mapping[str, Hint]) -> None:
        if self.circuit.failures:
            log.info("live_hints_recovered", waited=len(hints) - 1)
        self.circuit = self.circuit.succeeded()
        for topic in hints:
            metrics.inc(names.HINTS_SENT, topic=topic.partition(":")[0])

    def _bump(self, hints: Mapping[str, Hint]) -> None:
        keys = [connection.EPOCH_KEY, connection.COUNTER_KEY, connection.VERSIONS_KEY]
        keys += [connection.NOTE_PREFIX + topic for topic in hints]
        pairs = [part for topic, hint in hints.items() for part in (topic, hint.packed())]
        arguments = [uuid4().hex[:8], str(MOST_TOPICS), str(NOTE_KEPT_S), *pairs]
        connection.client(self.timeout_s, url=self.url).eval(_BUMP, len(keys), *keys, *arguments)

    def _failed(self, hints: Mapping[str, Hint], error: Exception) -> None:
        metrics.inc(names.HINTS_LOST)
        now_s = self.time.monotonic()
        with self._lock:
            self.circuit = self.circuit.failed(now_s)
            self.waiting = {**hints, **self.waiting}
            warn = now_s - self._warned_s >= WARN_EVERY_S
            if warn:
                self._warned_s = now_s
        if warn:
            log.warning("live_hints_lost", error=str(error), meaning="pages poll until Redis answers")
        self.again()


@dataclass(frozen=True, slots=True)
class _OnCommit:
    """What is run at commit; equal for equal topics, so a transaction sends each topic once."""

    topic: str
    hint: Hint = field(compare=False)

    def __call__(self) -> None:
        PUBLISHER.send(self.topic, self.hint)


def publisher() -> Publisher:
    """Return a publisher that tries again by itself, in a thread of its own, while hints wait."""
    made = Publisher()
    made.again = Waker("hints-again", made.resend, every_s=AGAIN_AFTER_S, pause_s=AGAIN_AFTER_S)
    return made


PUBLISHER = publisher()


def changed(topic: str, *, worst: str | None = None, samples: Mapping[str, float] | None = None) -> None:
    """Say that what ``topic`` shows has changed; pages hear of it when the transaction around commits, else at once.

    Topics are those of ``live/domain/topics.py``. ``samples`` are numbers for charts. Raises nothing without Redis,
    and does nothing in a project that has none.
    """
    if not (PUBLISHER.url or getattr(settings, "REDIS_URL", "")):
        return
    call = _OnCommit(topic, Hint(worst=worst, samples=samples))
    # A thousand rows in one transaction are one hint. A callback of a rolled-back savepoint has left this list.
    if any(entry[1] == call for entry in transaction.get_connection().run_on_commit):
        return
    transaction.on_commit(call, robust=True)
