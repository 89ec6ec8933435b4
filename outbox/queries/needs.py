"""What sending the outbox needs to be allowed in a Kafka cluster."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db import connection

from reliability import access
from reliability.kafka import clusters
from reliability.kafka.rights import Need

EVENTS = 1_000
"""Newest events whose topics are asked for, besides those that were sent to before."""
TOPICS_MAX = 100
_TOPICS = """
SELECT topic FROM (
    SELECT topic FROM (SELECT topic FROM outbox_event ORDER BY id DESC LIMIT %s) AS newest
    UNION SELECT jsonb_object_keys(numbers) FROM outbox_shard WHERE jsonb_typeof(numbers) = 'object'
) AS known ORDER BY topic LIMIT %s
"""


def needs(cluster: str, topics: Collection[str]) -> Iterator[Need]:
    """Yield the right to write to each topic that events go to; the relay sends to the main cluster."""
    if cluster != clusters.MAIN or access.is_read_only():
        return
    with connection.cursor() as cursor:
        cursor.execute(_TOPICS, [EVENTS, TOPICS_MAX])
        named = [str(topic) for (topic,) in cursor.fetchall()]
    for topic in named:
        yield Need(
            kind="topic",
            name=topic,
            operation="WRITE",
            purpose="sends the events of the outbox, also replays",
            without="they are parked",
            is_vital=True,
        )
