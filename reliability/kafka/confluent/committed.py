"""The offsets that consumer groups have committed, asked through a consumer that never joins the group.

The admin client's own call ends the whole process, by a segmentation fault or a failed assertion, when the broker goes
away while it is asked (librdkafka #4605, #5397; seen with 2.16). A consumer's survives.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import confluent_kafka

from reliability.kafka import group_names, ports
from reliability.kafka.confluent import noise, settings, verdicts
from reliability.kernel.record import TopicPartition

KEPT_MAX = 4
"""Consumers kept for the groups asked last: each costs three threads and a connection or two."""


class CommittedOffsets:
    """Answers for any group. May be used by several threads."""

    def __init__(self, profile: settings.Settings, *, client_id: str, answer_s: float) -> None:
        self._profile = profile
        self._client_id = client_id
        self._answer_s = answer_s
        self._log = noise.Throttled(client_id)
        self._lock = threading.Lock()
        self._idle: OrderedDict[str, confluent_kafka.Consumer] = OrderedDict()

    def of(self, group: str, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int | None]:
        """Return the offset per partition, None where there is none; raises ``Unavailable``, also for a name that no
        client may be given."""
        if not partitions:
            return {}
        if wrong := group_names.unaskable(group):
            raise ports.Unavailable(f"offsets of group {group!r}: the name {wrong}")
        asked = [confluent_kafka.TopicPartition(topic, partition) for topic, partition in partitions]
        with verdicts.answered(f"offsets of group {group}"), self._client(group) as client:
            answers = client.committed(asked, timeout=self._answer_s)
        refused = [answer for answer in answers if answer.error is not None]
        if refused and len(refused) == len(answers):
            raise ports.Unavailable(f"offsets of group {group}: {refused[0].error}")
        return {
            TopicPartition(answer.topic, answer.partition): answer.offset if answer.offset >= 0 else None
            for answer in answers
            if answer.error is None
        }

    @contextmanager
    def _client(self, group: str) -> Iterator[confluent_kafka.Consumer]:
        """Lend a client for the group that nobody else has meanwhile."""
        with self._lock:
            client = self._idle.pop(group, None)
        client = client or self._made(group)
        try:
            yield client
        finally:
            for left_over in self._given_back(group, client):
                left_over.close()

    def _made(self, group: str) -> confluent_kafka.Consumer:
        wanted = settings.consumer(self._profile, client_id=self._client_id, group=group, instance_id=None, settings={})
        return confluent_kafka.Consumer(wanted, logger=self._log)

    def _given_back(self, group: str, client: confluent_kafka.Consumer) -> list[confluent_kafka.Consumer]:
        """Keep the client for the next question; return those that are one too many."""
        with self._lock:
            if group in self._idle:
                return [client]
            self._idle[group] = client
            return [self._idle.popitem(last=False)[1] for _ in range(len(self._idle) - KEPT_MAX)]
