"""Traces: one id from the HTTP request to the outbox row, the record, the letter and its replay.

The SDK always runs, so every request and record has a real trace id that logs, audit entries and letters share. Spans
leave the process only when an OTLP endpoint is named; without one they are not even recorded, only their ids exist.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from reliability.kernel.record import Header
from reliability.kernel.telemetry.sampling import ALWAYS, ErrorsToo, RatioAndAlways

__all__ = [
    "ALWAYS",
    "configure",
    "current_trace_id",
    "exports",
    "extract",
    "inject",
    "instrument_clients",
    "shut_down",
    "span",
    "trace_id_of",
    "with_current",
]

TRACEPARENT, TRACESTATE = "traceparent", "tracestate"
_W3C = TraceContextTextMapPropagator()
_TRACE_ID = re.compile(rb"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What was asked for; carried out by the first span of each process."""

    service: str = "mainstay"
    endpoint: str = ""
    ratio: float = 0.1
    exporter: SpanExporter | None = None


class _State:
    """The provider of this process; not the global one, so that a host project keeps its own."""

    plan = _Plan()
    provider: TracerProvider | None = None
    process: int = 0
    lock = threading.Lock()


def configure(*, service: str, endpoint: str = "", ratio: float = 0.1, exporter: SpanExporter | None = None) -> None:
    """Say where spans go: to ``endpoint`` (OTLP over HTTP, base address) or ``exporter``; nowhere without either.

    ``ratio`` of first spans is sampled, of later ones the parent decides; spans with an error, those marked with
    ``ALWAYS`` and what happens inside these are exported in any case. Nothing is started before the first span: an
    exporter has a thread, and threads do not survive the fork of a worker.
    """
    shut_down()
    _State.plan = _Plan(service=service, endpoint=endpoint, ratio=ratio, exporter=exporter)


def shut_down() -> None:
    """Send what waits, then export no more until ``configure``."""
    with _State.lock:
        if _State.provider is not None and _State.process == os.getpid():
            _State.provider.shutdown()
        _State.provider, _State.plan = None, _Plan()


def exports() -> bool:
    """Whether spans leave this process."""
    return bool(_State.plan.endpoint) or _State.plan.exporter is not None


def instrument_clients() -> None:
    """Carry traces through Celery messages; with an exporter also make spans of PostgreSQL and Redis calls.

    HTTP and Kafka spans are our own: one per request, one per batch.
    """
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
    from opentelemetry.instrumentation.redis import RedisInstrumentor

    from reliability.kernel.telemetry.tasks import Tasks

    kinds: list[Any] = [Tasks]
    if exports():
        kinds += [PsycopgInstrumentor, RedisInstrumentor]
    for instrumentor in (kind() for kind in kinds):
        if not instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.instrument(tracer_provider=_OfThisProcess())


class _OfThisProcess(trace.TracerProvider):
    """Hands out tracers that ask for the process's provider at each span."""

    def get_tracer(self, *args: Any, **kwargs: Any) -> trace.Tracer:
        """A tracer that is good before and after a fork."""
        return _Tracer()


class _Tracer(trace.Tracer):
    def start_span(self, *args: Any, **kwargs: Any) -> trace.Span:
        return _tracer().start_span(*args, **kwargs)

    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
        return _tracer().start_as_current_span(*args, **kwargs)


def _tracer() -> trace.Tracer:
    if _State.provider is None or _State.process != os.getpid():
        with _State.lock:
            if _State.provider is None or _State.process != os.getpid():
                _State.provider, _State.process = _build(_State.plan), os.getpid()
    return _State.provider.get_tracer("mainstay")


def _build(plan: _Plan) -> TracerProvider:
    if not plan.endpoint and plan.exporter is None:
        return TracerProvider(sampler=ParentBased(ALWAYS_OFF), shutdown_on_exit=False)
    resource = Resource.create({"service.name": plan.service})
    marked_only = RatioAndAlways(0.0)
    sampler = ParentBased(
        RatioAndAlways(plan.ratio), remote_parent_not_sampled=marked_only, local_parent_not_sampled=marked_only
    )
    provider = TracerProvider(resource=resource, sampler=sampler)
    provider.add_span_processor(ErrorsToo(plan.exporter or _otlp(plan.endpoint)))
    return provider


@contextmanager
def span(
    name: str,
    *,
    attributes: Mapping[str, AttributeValue] | None = None,
    links: Sequence[Sequence[Header]] = (),
    parent_headers: Sequence[Header] | None = None,
    kind: trace.SpanKind = trace.SpanKind.INTERNAL,
) -> Iterator[trace.Span]:
    """Work inside a span that is current meanwhile; an exception marks it as failed and passes through.

    The parent is the current span, or the one ``parent_headers`` of a record name. ``links`` are the headers of
    records handled together (one span per batch).
    """
    context = extract(parent_headers) if parent_headers is not None else None
    linked = [trace.Link(found) for found in map(_span_context, links) if found.is_valid]
    with _tracer().start_as_current_span(
        name, context=context, kind=kind, attributes=attributes, links=linked
    ) as started:
        yield started


def inject() -> list[Header]:
    """The headers that carry the current span: ``traceparent`` and, when there is one, ``tracestate``; else []."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return [(name, value.encode("ascii")) for name, value in carrier.items()]


def with_current(headers: Iterable[Header]) -> list[Header]:
    """The headers with their trace context replaced by the current one.

    Every other header stays, in its place, doubled ones too. Without a current span nothing changes.
    """
    ours = inject()
    kept = list(headers)
    return [header for header in kept if header[0] not in (TRACEPARENT, TRACESTATE)] + ours if ours else kept


def extract(headers: Iterable[Header]) -> Context:
    """The context a record's headers name; an empty one when it is missing or invalid. The last header counts."""
    carrier: dict[str, str] = {}
    for name, value in headers:
        if name in (TRACEPARENT, TRACESTATE) and value is not None:
            carrier[name] = value.decode("ascii", errors="replace")
    return _W3C.extract(carrier, context=Context())


def trace_id_of(headers: Iterable[Header]) -> str | None:
    """The trace id in a record's headers, 32 hex digits; None when there is none."""
    found = None
    for name, value in headers:
        match = _TRACE_ID.match(value) if name == TRACEPARENT and value is not None else None
        found = match[1].decode() if match else found
    return found if found != "0" * 32 else None


def current_trace_id() -> str | None:
    """The trace id of the work at hand, 32 hex digits; None outside any span."""
    context = trace.get_current_span().get_span_context()
    return format(context.trace_id, "032x") if context.is_valid else None


def _span_context(headers: Sequence[Header]) -> trace.SpanContext:
    return trace.get_current_span(extract(headers)).get_span_context()


def _otlp(endpoint: str) -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # slow to import, rarely wanted

    return OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
