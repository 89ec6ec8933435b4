"""Dead-letter topics as we meet them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from dlq.models import Source


@transaction.atomic
def met(*, cluster: str, topic_ids: Mapping[str, str], now: datetime) -> list[str]:
    """Note the topics we read and their ids; return those that were recreated since we last met them."""
    recreated = []
    for topic, topic_id in sorted(topic_ids.items()):
        known = Source.objects.filter(cluster=cluster, topic=topic).order_by("-last_seen", "-id").first()
        replaced = known.topic_id if known is not None and known.topic_id != topic_id else ""
        _, created = Source.objects.update_or_create(
            cluster=cluster,
            topic=topic,
            topic_id=topic_id,
            defaults={"last_seen": now},
            create_defaults={"first_seen": now, "last_seen": now, "replaced_id": replaced},
        )
        if created and replaced:
            recreated.append(topic)
    return recreated
