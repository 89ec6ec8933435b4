"""What the relay knows of Kafka's topics: partitions and limits for planning, limits for ``append``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

import structlog
from django.db import connection

from outbox.domain import planning
from reliability.kafka import ports
from reliability.kernel import clock
from reliability.kernel.errors import Transient

log = structlog.get_logger(__name__)

GRACE_S = 5.0  # a topic made a moment ago is not known everywhere: what waits for it is parked after this
LIMITS_EVERY_S = 30.0
LIMITS_AGAIN_S = 1.0  # after a refusal, unless they are as new as this: who appends too large events asks no faster
LIMITS_TOPICS_MAX = 5_000  # kept for `append`; others get the broker's default
OVERHEAD_BYTES = 256  # what Kafka adds around key, value and headers, generously

_UPSERT = """
INSERT INTO outbox_topic AS o (topic, limit_bytes, seen_at)
SELECT topic, limit_bytes, clock_timestamp() FROM unnest(%s::text[], %s::int[]) AS v (topic, limit_bytes)
ON CONFLICT (topic) DO UPDATE SET limit_bytes = excluded.limit_bytes, seen_at = excluded.seen_at
WHERE o.limit_bytes <> excluded.limit_bytes
"""


class UnknownYet(Transient):
    """The topic is not known to the broker; it may have been made a moment ago. In ``left_s`` seconds it is unknown."""

    def __init__(self, topic: str, left_s: float) -> None:
        super().__init__(f"no topic {topic} (yet)")
        self.left_s = left_s


class Topics:
    """Answers the planner's questions."""

    def __init__(self, admin: ports.Admin, *, time: clock.Clock = clock.SYSTEM) -> None:
        self._admin = admin
        self._time = time
        self._missing_since_s: dict[str, float] = {}
        self._limits: Mapping[str, int] = {}
        self._asked_at_s = float("-inf")

    def facts(self) -> planning.Topics:
        """Return the answers in the form that the planner takes."""
        return planning.Topics(partitions=self.partitions, limit_bytes=self.limit_bytes)

    def partitions(self, topic: str) -> int | None:
        """Return the partition count, None when there is no such topic; raises ``UnknownYet`` and ``Unavailable``."""
        count = self._admin.partition_count(topic)
        if count is not None:
            self._missing_since_s.pop(topic, None)
            return count
        now_s = self._time.monotonic()
        left_s = self._missing_since_s.setdefault(topic, now_s) + GRACE_S - now_s
        if left_s > 0:
            raise UnknownYet(topic, left_s)
        return None

    def look_for(self, topics: Iterable[str]) -> None:
        """Let the patience with all that are missing among these topics begin now, not with one after the other."""
        for topic in topics:
            with suppress(UnknownYet):
                self.partitions(topic)

    def limit_bytes(self, topic: str) -> int:
        """Return the largest event that the topic takes; where that is not known, Kafka will say."""
        return self._limits.get(topic, self._limits.get("", 1 << 31))

    def refresh(self) -> None:
        """Now and then, ask Kafka for the topics' limits and write down for ``append`` which have changed."""
        self._ask(LIMITS_EVERY_S)

    def look_again(self) -> None:
        """Ask for the limits at once: Kafka found something too large. If it does not answer, they stay as they are."""
        try:
            self._ask(LIMITS_AGAIN_S)
        except Transient as error:
            log.info("topic_limits_not_refreshed", error=str(error))

    def _ask(self, every_s: float) -> None:
        now_s = self._time.monotonic()
        if now_s - self._asked_at_s < every_s:
            return
        self._asked_at_s = now_s
        told = self._admin.record_limits()
        self._limits = {topic: max(limit - OVERHEAD_BYTES, 1) for topic, limit in told.items()}
        kept = dict(sorted(self._limits.items())[:LIMITS_TOPICS_MAX])
        with connection.cursor() as cursor:
            cursor.execute(_UPSERT, [list(kept), list(kept.values())])
