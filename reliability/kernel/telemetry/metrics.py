"""Counters, gauges and histograms for Prometheus.

Who shows what. ``/metrics`` of the web process shows (1) what that process counted itself and (2) figures read from
PostgreSQL at the time of the scrape (``read`` metrics: backlog, letters, heartbeats), which are true whatever process
did the work and survive restarts. Where ``PROMETHEUS_MULTIPROC_DIR`` names a folder (empty at start, shared by the
processes of one machine), every process writes its own counts there and the web process shows the sum of all; without
it, counts of the other processes are not shown, only their effects in (2). No process but web listens on a port.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from reliability.kernel.telemetry import names
from reliability.kernel.telemetry.names import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the client library's own variable; it reads it at import

Reading = tuple[Metric, dict[str, str], float]

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per metric that nobody asked for
_own = CollectorRegistry()


def _create(metric: Metric) -> Counter | Gauge | Histogram:
    if metric.kind == "counter":
        return Counter(metric.name, metric.help, metric.labels, registry=_own)
    if metric.kind == "gauge":
        return Gauge(metric.name, metric.help, metric.labels, registry=_own, multiprocess_mode="livesum")
    return Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=_own)


_known = {name: _create(metric) for name, metric in names.ALL.items() if not metric.read}


def inc(metric: Metric, /, by: float = 1, **labels: str) -> None:
    """Add to a counter of ``names.py``; all of its labels must be given."""
    found = _find(metric, labels)
    if not isinstance(found, Counter):
        raise TypeError(f"{metric.name} is a {metric.kind}")
    found.inc(by)


def observe(metric: Metric, value: float, /, **labels: str) -> None:
    """Add an observation to a histogram, in the unit its name ends with."""
    found = _find(metric, labels)
    if not isinstance(found, Histogram):
        raise TypeError(f"{metric.name} is a {metric.kind}")
    found.observe(value)


def set(metric: Metric, value: float, /, **labels: str) -> None:  # noqa: A001 - read as metrics.set
    """Set a gauge that this process knows by itself; figures of the database are read at the scrape instead."""
    found = _find(metric, labels)
    if not isinstance(found, Gauge):
        raise TypeError(f"{metric.name} is a {metric.kind}")
    found.set(value)


def exposition(readings: Callable[[], Iterable[Reading]]) -> bytes:
    """All metrics as text; ``readings`` gives the figures of ``read`` metrics."""
    registry = CollectorRegistry()
    registry.register(_AtScrape(readings))
    if SHARED_FOLDER in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # registers itself
        return generate_latest(registry)
    return generate_latest(_own) + generate_latest(registry)


class _AtScrape(Collector):
    """Turns readings into families."""

    def __init__(self, readings: Callable[[], Iterable[Reading]]) -> None:
        self._readings = readings

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing to say before the scrape: reading takes queries."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read all figures once."""
        families: dict[str, GaugeMetricFamily] = {}
        for metric, labels, value in self._readings():
            if metric.name not in families:
                families[metric.name] = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
            families[metric.name].add_metric([labels[name] for name in metric.labels], value)
        yield from families.values()


def _find(metric: Metric, labels: dict[str, str]) -> Counter | Gauge | Histogram:
    found = _known[metric.name]
    return found.labels(**labels) if metric.labels else found
