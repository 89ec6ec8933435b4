"""What is handled again by a replay is always traced; what is handled first is traced as its sender was."""

from __future__ import annotations

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from reliability.kernel import wire
from reliability.kernel.record import Header
from reliability.kernel.telemetry import tracing
from tests.support.spans import exporter
from tests.unit.kafka.fakes import Store, handling, record

__all__ = ["exporter"]

NOT_SAMPLED: Header = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")


def test_a_replayed_record_is_exported_under_its_own_trace(exporter: InMemorySpanExporter) -> None:
    work = handling(Store(), lambda one: None)
    assert work([record(0, headers=[NOT_SAMPLED])]).done == 1
    assert work([record(1, headers=[NOT_SAMPLED, (wire.REPLAY, b"7/1")])]).done == 1
    assert tracing._State.provider is not None
    tracing._State.provider.force_flush()
    (span,) = exporter.get_finished_spans()
    assert (span.attributes or {})["messaging.kafka.offset"] == 1
    assert span.context is not None
    assert format(span.context.trace_id, "032x") == "0af7651916cd43dd8448eb211c80319c"
