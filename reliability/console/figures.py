"""Metrics that are read from the database when Prometheus scrapes, from every room that registered some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError

from reliability import access
from reliability.console import health, outage, queries
from reliability.console.domain.values import Figure
from reliability.console.registry import REGISTRY, Registry
from reliability.kernel.telemetry import names
from reliability.kernel.telemetry.metrics import Reading
from reliability.live import connection as live_redis
from reliability.live import queries as live_queries

log = structlog.get_logger(__name__)

_REDIS = ("redis://", "rediss://", "unix://", "redis+sentinel://", "rediss+sentinel://")


def read(registry: Registry = REGISTRY, *, with_topics: bool = True) -> Iterator[Reading]:
    """All figures to be had; the number of sources that could not be read is a figure too.

    Without ``with_topics`` those are left out whose labels name topics or consumer groups.
    """
    unread = 0
    for source in registry.figures:
        if outage.WATCH.down_since is not None:
            unread += 1
            continue
        try:
            found = list(source())
        except (DatabaseError, InterfaceError) as error:  # what the processes counted is still worth a scrape
            log.warning("figures_unread", source=getattr(source, "__module__", ""), error=str(error))
            if outage.no_connection(error):
                outage.WATCH.saw_outage(error)
            unread += 1
            continue
        yield from (
            (figure.metric, figure.labels, figure.value)
            for figure in found
            if with_topics or not figure.metric.names_topics
        )
    yield names.FIGURES_UNREAD, {}, float(unread)


def of_processes() -> Iterable[Figure]:
    """The age of every process's last heartbeat."""
    for row in live_queries.heartbeats():
        yield Figure(metric=names.PROCESS_BEAT_AGE, value=row.age_s, labels={"process": row.name, "host": row.host})


def of_attention() -> Iterable[Figure]:
    """How many things need a person, per page and status."""
    counts: dict[tuple[str, str], int] = {}
    for item in queries.attention(actor=access.system_actor("metrics")).items:
        counts[item.room, item.status] = counts.get((item.room, item.status), 0) + 1
    for (room, status), count in sorted(counts.items()):
        yield Figure(metric=names.ATTENTION, value=count, labels={"room": room, "status": status})


def of_dependencies() -> Iterable[Figure]:
    """Whether Redis and Kafka answer; what is not known yet has no sample."""
    for part in health.dependencies():
        if part.state != "unknown":
            yield Figure(metric=names.DEPENDENCY_UP, value=float(part.state == "ok"), labels={"dependency": part.name})


def of_queues() -> Iterable[Figure]:
    """How many wake-ups wait in each queue that tasks are sent to: workers are scaled by it."""
    # What Celery shows has no password, and does not lead behind sentinels.
    broker = getattr(settings, "BROKER_ADDRESS", "") or getattr(settings, "CELERY_BROKER_URL", "")
    if not broker.startswith(_REDIS):
        return  # another broker's own exporter knows
    routes = getattr(settings, "CELERY_TASK_ROUTES", {}).values()
    queues = sorted({route["queue"] for route in routes} | {getattr(settings, "CELERY_TASK_DEFAULT_QUEUE", "celery")})
    try:
        pipe = live_redis.client(url=broker).pipeline(transaction=False)
        for queue in queues:
            pipe.llen(queue)
        lengths = pipe.execute()
    except (redis.RedisError, OSError):
        return  # whether Redis answers is a figure of its own
    for queue, length in zip(queues, lengths, strict=True):
        yield Figure(metric=names.QUEUE_MESSAGES, value=length, labels={"queue": queue})
