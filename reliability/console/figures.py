"""Metrics that are read from the database when Prometheus scrapes, from every room that registered some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import structlog
from django.db import DatabaseError, InterfaceError

from reliability import access
from reliability.console import outage, queries
from reliability.console.domain.values import Figure
from reliability.console.registry import REGISTRY, Registry
from reliability.kernel.telemetry import names
from reliability.kernel.telemetry.metrics import Reading
from reliability.live import queries as live_queries

log = structlog.get_logger(__name__)


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
