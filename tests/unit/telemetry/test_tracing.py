"""One trace id from the request to the record; spans leave only when somebody collects them."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from reliability.kernel.record import Header
from reliability.kernel.telemetry import tracing
from tests.support.spans import exporter

__all__ = ["exporter"]

PARENT: Header = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
SAMPLED: Header = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


def test_ids_are_real_without_a_collector() -> None:
    assert tracing.current_trace_id() is None
    assert tracing.inject() == []
    with tracing.span("outer"):
        first = tracing.current_trace_id()
        with tracing.span("inner"):
            assert tracing.current_trace_id() == first
            assert tracing.trace_id_of(tracing.inject()) == first
    assert first is not None
    assert len(first) == 32
    assert tracing.current_trace_id() is None


def test_a_record_continues_its_producers_trace() -> None:
    with tracing.span("consume", parent_headers=[("x", b"1"), PARENT]):
        assert tracing.current_trace_id() == "0af7651916cd43dd8448eb211c80319c"


def test_a_record_without_a_trace_begins_one_and_does_not_join_the_current() -> None:
    with tracing.span("outer"):
        outer = tracing.current_trace_id()
        with tracing.span("consume", parent_headers=[]):
            assert tracing.current_trace_id() != outer


@pytest.mark.parametrize(
    "value", [b"", b"\xff\xfe", b"00-zz-yy-01", b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01", None]
)
def test_a_broken_traceparent_is_no_trace(value: bytes | None) -> None:
    headers: list[Header] = [("traceparent", value)]
    assert tracing.trace_id_of(headers) is None
    with tracing.span("consume", parent_headers=headers):
        assert tracing.current_trace_id() is not None


def test_other_headers_keep_order_and_doubles() -> None:
    headers: list[Header] = [("a", b"1"), PARENT, ("a", b"2"), ("tracestate", b"x=1"), ("b", None)]
    with tracing.span("send"):
        carried = tracing.with_current(headers)
        assert [header for header in carried if header[0] != "traceparent"] == [("a", b"1"), ("a", b"2"), ("b", None)]
        assert tracing.trace_id_of(carried) == tracing.current_trace_id()
    assert tracing.with_current(headers) == headers


def test_errors_and_replays_are_exported_at_a_ratio_of_nothing(exporter: InMemorySpanExporter) -> None:
    with tracing.span("quiet"):
        pass
    with tracing.span("replay", attributes={tracing.ALWAYS: True}), tracing.span("child of replay"):
        pass
    with pytest.raises(ZeroDivisionError), tracing.span("broken"):
        _ = 1 / 0
    assert _exported(exporter) == {"replay", "child of replay", "broken"}


def test_the_callers_decision_counts(exporter: InMemorySpanExporter) -> None:
    with tracing.span("asked for", parent_headers=[SAMPLED]):
        pass
    with tracing.span("not asked for", parent_headers=[PARENT]):
        pass
    assert _exported(exporter) == {"asked for"}


def test_below_a_parent_that_is_not_sampled_errors_and_replays_are_exported_too(exporter: InMemorySpanExporter) -> None:
    with tracing.span("request", parent_headers=[PARENT]), tracing.span("quiet"):
        with tracing.span("replay", attributes={tracing.ALWAYS: True}), tracing.span("child of replay"):
            pass
        with pytest.raises(ZeroDivisionError), tracing.span("broken"):
            _ = 1 / 0
    assert _exported(exporter) == {"replay", "child of replay", "broken"}


def test_a_batch_links_to_its_records(exporter: InMemorySpanExporter) -> None:
    with tracing.span("batch", attributes={tracing.ALWAYS: True}, links=[[PARENT], [], [("traceparent", b"?")]]):
        pass
    _exported(exporter)
    (span,) = exporter.get_finished_spans()
    assert [format(link.context.trace_id, "032x") for link in span.links] == ["0af7651916cd43dd8448eb211c80319c"]


def _exported(exporter: InMemorySpanExporter) -> set[str]:
    provider = tracing._State.provider
    assert provider is not None
    provider.force_flush()
    return {span.name for span in exporter.get_finished_spans()}
