"""A trace goes on in the task it starts."""

from __future__ import annotations

from typing import Any

import pytest
from celery import Celery, signals
from kombu import Connection
from kombu.exceptions import OperationalError

from reliability.kernel.telemetry import tracing
from tests.support.network import refusing_port


def test_a_published_task_carries_the_trace_of_its_publisher() -> None:
    app = Celery("traced", broker="memory://")
    carried: list[dict[str, Any]] = []

    def keep(headers: dict[str, Any] | None = None, **kwargs: Any) -> None:
        carried.append(headers or {})

    @app.task(name="traced.nothing")
    def nothing() -> None:
        return None

    signals.before_task_publish.connect(keep)
    try:
        with tracing.span("request"), Connection("memory://") as connection:
            trace_id = tracing.current_trace_id()
            nothing.apply_async(connection=connection)
    finally:
        signals.before_task_publish.disconnect(keep)
    (headers,) = carried
    assert trace_id is not None
    assert trace_id in str(headers.get("traceparent"))


def test_a_task_that_could_not_be_sent_leaves_no_trace_behind() -> None:
    app = Celery("nowhere", broker=f"redis://127.0.0.1:{refusing_port()}/0")
    app.conf.task_publish_retry = False

    @app.task(name="nowhere.nothing")
    def nothing() -> None:
        return None

    assert tracing.current_trace_id() is None
    with pytest.raises(OperationalError):
        nothing.apply_async()
    assert tracing.current_trace_id() is None
