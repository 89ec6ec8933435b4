"""Notices a topic that was deleted and created again, so that its messages are not taken for the old one's."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from outbox import inbox
from reliability.kafka import ports
from reliability.kernel import clock
from reliability.kernel.record import Record, TopicPartition

log = structlog.get_logger(__name__)

ASK_AGAIN_S = 5.0
"""A topic that is recreated and soon longer than it was shows no lower offset: only its id tells. So long may it be
read from the middle; then it is read from its beginning."""


class Incarnations:
    """Keeps the topics' ids: asked for when a partition comes, when its offsets fall, and every few seconds.

    ``meet`` is called by the working thread, the others by the polling one.
    """

    def __init__(self, consumer: str, admin: Callable[[], ports.Admin], *, time: clock.Clock) -> None:
        self._consumer = consumer
        self._admin = admin
        self._time = time
        self._ids: dict[str, str] = {}
        self._newest: dict[TopicPartition, int] = {}
        self._look_s = time.monotonic()

    def assigned(self, partitions: ports.Partitions) -> None:
        """Partitions came: nothing is known of them."""
        for partition in partitions:
            self._newest.pop(partition, None)
            self._ids.pop(partition.topic, None)

    def meet(self, record: Record) -> None:
        """Called with the first record of each batch, before it is handled: know its topic. Raises Unavailable."""
        partition = record.topic_partition
        if record.topic not in self._ids or record.offset < self._newest.get(partition, -1):
            topic_id = self._admin().topic_id(record.topic)
            if topic_id is not None:  # else a broker without ids, or a topic that is gone by now
                forgotten = inbox.meet(self._consumer, topic=record.topic, topic_id=topic_id)
                self._ids[record.topic] = topic_id
                log.info("topic_met", consumer=self._consumer, topic=record.topic, inbox_rows_forgotten=forgotten)
        self._newest[partition] = record.offset

    def recreated(self) -> list[str]:
        """The topics that are not any more the ones that were met: they have to be read from their beginnings."""
        now_s = self._time.monotonic()
        if now_s - self._look_s < ASK_AGAIN_S:
            return []
        self._look_s = now_s
        try:
            current = self._admin().topic_ids(list(self._ids))
        except ports.Unavailable as unavailable:
            log.info("topic_ids_not_told", consumer=self._consumer, error=str(unavailable))
            return []
        found = []
        for topic, topic_id in current.items():
            known = self._ids.get(topic, topic_id)
            if topic_id != known:
                log.warning("topic_recreated", consumer=self._consumer, topic=topic, before=known, now=topic_id)
                self._ids.pop(topic, None)
                found.append(topic)
        return found
