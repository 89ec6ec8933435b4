"""Which spans leave the process: a share of all, every replay, every error."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import Attributes

ALWAYS = "mainstay.always"  # attribute of a span that is sampled whatever the ratio and its parent are: replays


class RatioAndAlways(Sampler):
    """The ratio decides, unless the span is marked to be always sampled.

    It is asked for first spans, and with a ratio of nothing below a parent that is not sampled.

    What is not sampled is still recorded, so that an error in it can be exported.
    """

    def __init__(self, ratio: float) -> None:
        self._ratio = TraceIdRatioBased(ratio)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Sampled, or recorded only; never dropped."""
        if attributes and attributes.get(ALWAYS):
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, trace_state)
        result = self._ratio.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        if result.decision is Decision.DROP:
            return SamplingResult(Decision.RECORD_ONLY, attributes, trace_state)
        return result

    def get_description(self) -> str:
        """What a collector shows."""
        return f"RatioAndAlways{{{self._ratio.rate}}}"


class ErrorsToo(BatchSpanProcessor):
    """Exports sampled spans, and spans with an error whether sampled or not."""

    def on_end(self, span: ReadableSpan) -> None:
        """Take a finished span."""
        failed = span.status.status_code is StatusCode.ERROR
        super().on_end(_as_sampled(span) if failed and not _is_sampled(span) else span)


def _is_sampled(span: ReadableSpan) -> bool:
    return span.context is not None and bool(span.context.trace_flags & TraceFlags.SAMPLED)


def _as_sampled(span: ReadableSpan) -> ReadableSpan:
    if span.context is None:
        return span
    flags = TraceFlags(span.context.trace_flags | TraceFlags.SAMPLED)
    context = SpanContext(span.context.trace_id, span.context.span_id, False, flags, span.context.trace_state)
    return ReadableSpan(
        name=span.name,
        context=context,
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
