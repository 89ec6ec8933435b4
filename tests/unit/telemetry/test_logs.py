"""Logs are one JSON document per line, whatever is put into them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from reliability.kernel.telemetry import logs, tracing


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    before = structlog.get_config()
    yield
    structlog.configure(**before)  # the very list that loggers made before hold on to
    logs.clear()
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_names_event_level_trace_and_what_was_bound(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(colours=False)
    logs.bind(request_id="r1", actor="ana")
    with tracing.span("work"):
        structlog.get_logger("outbox").info("sent", shard=3)
        trace_id = tracing.current_trace_id()
    (line,) = lines(capsys)
    assert line["event"] == "sent"
    assert line["level"] == "info"
    assert (line["request_id"], line["actor"], line["shard"], line["trace_id"]) == ("r1", "ana", 3, trace_id)


def test_libraries_log_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(colours=False)
    logging.getLogger("celery.worker").warning("lost %s", "redis")
    (line,) = lines(capsys)
    assert line["event"] == "lost redis"
    assert line["logger"] == "celery.worker"


def test_bytes_surrogates_and_huge_numbers_do_not_break_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(colours=False)
    structlog.get_logger("x").info("odd", key=b"\xff\x00", text="\ud800", number=2**80, nothing=object)
    (line,) = lines(capsys)
    assert line["event"] == "odd"


def test_an_exception_is_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(colours=False)
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        structlog.get_logger("x").exception("failed")
    (line,) = lines(capsys)
    assert "ZeroDivisionError" in line["exception"]
