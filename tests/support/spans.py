"""Spans that are kept in memory instead of sent, of a process that samples none by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from reliability.kernel.telemetry import tracing


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    """What was exported."""
    found = InMemorySpanExporter()
    tracing.configure(service="test", exporter=found, ratio=0.0)
    yield found
    tracing.shut_down()
