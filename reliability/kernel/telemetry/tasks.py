"""Traces of Celery's tasks: a span for each that runs, and the sender's trace in its message."""

from __future__ import annotations

from typing import Any

from opentelemetry.instrumentation.celery import CeleryInstrumentor

from reliability.kernel.telemetry import tracing


class Tasks(CeleryInstrumentor):
    """OpenTelemetry's own for tasks that run; for those that are sent only the trace is sent along, without a span.

    The library makes a span current before it sends and ends it when the message is sent. Where Redis is away nobody
    ends it: all that the thread does from then on would be told as part of that one lost message, for good.
    """

    def _trace_before_publish(self, *args: Any, **kwargs: Any) -> None:
        headers = kwargs.get("headers")
        if headers is not None:
            headers.update((name, (value or b"").decode("ascii")) for name, value in tracing.inject())

    @staticmethod
    def _trace_after_publish(*args: Any, **kwargs: Any) -> None:
        """Nothing was begun."""
