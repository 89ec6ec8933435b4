"""A topic: its partitions, what becomes of its records, who reads it and how far behind they are."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from reliability import access
from reliability.console.views.acts import told
from reliability.kernel import clock
from reliability.lag.domain import sentences
from reliability.lag.queries import clusters, groups, history, topics
from reliability.lag.views.wording import shown
from reliability.live import fragment

PARTITIONS_MAX = 2_000


@require_safe
@access.requires("lag.view")
@told
def page(request: HttpRequest, topic_id: int) -> HttpResponse:
    """The page; its one region asks for itself."""
    actor, now = access.actor_of(request), clock.SYSTEM.now()
    topic = topics.one(actor=actor, topic_id=topic_id)
    polling = clusters.polling(actor=actor)
    readers = groups.of_topic(actor=actor, cluster=topic.cluster, topic=topic.name)
    causes = history.causes_of_topic(actor=actor, topic=topic.name)
    context: dict[str, Any] = {
        "title": topic.name,
        "now": now,
        "topic": topic,
        "retention": sentences.retention(
            topic.retention_ms, topic.retention_bytes, deletes=topic.deletes, compacts=topic.compacts
        ),
        "polling": polling,
        "is_old": polling.is_old(topic.cluster, topic.polled_at, now=now),
        "partitions": topic.partitions[:PARTITIONS_MAX],
        "rows": [shown(row, polling, now=now) for row in readers],
        "causes": causes,
    }
    seen = [
        [topic.partitions, context["retention"], context["is_old"]],
        [(each.row, each.is_old) for each in context["rows"]],
        [causes.facts, causes.unread],
        [polling.is_running, [(each.name, each.error) for each in polling.clusters]],
    ]
    return fragment.page(request, "lag/topic.html", context, regions={"topic": seen})
