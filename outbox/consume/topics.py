"""Making a consumer's retry and dead-letter topics, or saying how."""

from __future__ import annotations

import structlog

from outbox.consume.plan import TopicPlan
from reliability.kafka import ports
from reliability.kernel import clock

log = structlog.get_logger(__name__)

AGAIN_S = 30.0  # an own topic that does not exist yet is looked for this often


class Topics:
    """Creates what is missing, with the origin's partition count. Never stops the consumer: a dead letter whose topic
    is missing is parked in the outbox, and seen there."""

    def __init__(self, plan: TopicPlan, admin: ports.Admin, *, time: clock.Clock = clock.SYSTEM) -> None:
        self._plan = plan
        self._admin = admin
        self._time = time
        self._unsettled = set(plan.topics)
        self._next_s = time.monotonic()
        self.refused: dict[str, str] = {}
        """Topic -> the command that creates it, for those that the cluster would not let us create."""

    def ensure(self) -> None:
        """Look for what is missing, when it is time to."""
        if not self._unsettled or self._time.monotonic() < self._next_s:
            return
        self._next_s = self._time.monotonic() + AGAIN_S
        try:
            for topic in sorted(self._unsettled):
                if self._settle(topic):
                    self._unsettled.discard(topic)
        except ports.Unavailable as error:
            log.warning("topics_not_checked", group=self._plan.group, error=str(error))

    def _settle(self, topic: str) -> bool:
        """Whether one own topic now has all that belongs to it, or never will."""
        count = self._admin.partition_count(topic)
        if count is None:
            return False
        missing = {name: count for name in self._plan.created_for(topic) if self._admin.partition_count(name) is None}
        if not missing:
            return True
        try:
            answers = self._admin.create_topics(missing)
        except (ports.Unsupported, ports.Unavailable) as error:
            # A broker that cannot create topics makes them when they are first written, or has none.
            answers = {
                name: ports.DeliveryError(code="UNSUPPORTED", message=str(error), permanent=False) for name in missing
            }
        for name, error_told in answers.items():
            if error_told is not None:
                command = f"kafka-topics.sh --create --topic '{name}' --partitions {count}"
                self.refused[name] = command
                log.warning("topic_not_created", topic=name, error=error_told.message, create_it_with=command)
        return True
