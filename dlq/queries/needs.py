"""What storing dead letters needs to be allowed in a Kafka cluster."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from dlq.models import Source
from dlq.queries import sources
from dlq.queries.storing import process_name
from reliability.kafka import clusters
from reliability.kafka.rights import Need
from reliability.live import queries as live_queries

TOPICS_MAX = 100
"""Dead-letter topics that are asked for by name; those that come later by name are left out."""


def needs(cluster: str, topics: Collection[str]) -> Iterator[Need]:
    """Yield what reading dead-letter topics takes, where letters of the cluster are or should be stored."""
    if cluster != clusters.MAIN and process_name(cluster) not in {row.name for row in live_queries.heartbeats()}:
        return
    yield Need(
        kind="group",
        name=sources.reader_group(),
        operation="READ",
        purpose="reads dead letters, and commits what is stored in a group of its own",
        without="no dead letter comes in",
        is_vital=True,
    )
    pattern = re.compile(sources.topic_pattern())
    seen = (name for name in topics if pattern.fullmatch(name))
    stored = Source.objects.filter(cluster=cluster).values_list("topic", flat=True)
    for topic in sorted({*seen, *stored})[:TOPICS_MAX]:
        yield Need(
            kind="topic",
            name=topic,
            operation="READ",
            purpose="reads its dead letters",
            without="they are not seen",
            is_vital=True,
        )
