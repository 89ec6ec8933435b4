"""A request has a trace and an id, and both are found in its answer, its logs and its audit entry."""

from __future__ import annotations

import re

import pytest
import structlog
from django.test import Client

from reliability import audit
from reliability.access import Role
from reliability.audit import queries as audit_queries
from reliability.kernel.telemetry import tracing
from tests.support import actors

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_an_answer_names_its_trace_and_its_request() -> None:
    answer = Client().get("/health/live")
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Trace-ID"])
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])


def test_the_callers_trace_and_id_go_on() -> None:
    answer = Client().get("/health/live", headers={"traceparent": TRACEPARENT, "X-Request-ID": "order-1234"})
    assert answer.headers["X-Trace-ID"] == "0af7651916cd43dd8448eb211c80319c"
    assert answer.headers["X-Request-ID"] == "order-1234"


@pytest.mark.parametrize("given", ["short", "x" * 200, "a b c d e f g", 'quote"injection'])
def test_an_improper_id_is_replaced(given: str) -> None:
    answer = Client().get("/health/live", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] != given


@pytest.mark.django_db
def test_log_lines_of_a_request_name_who_asks() -> None:
    client = Client()
    client.force_login(actors.account(Role.VIEWER).user)
    client.get("/live/versions")
    assert structlog.contextvars.get_contextvars()["actor"] == "ana"
    Client().get("/health/live")
    assert "actor" not in structlog.contextvars.get_contextvars()


@pytest.mark.django_db(transaction=True)
def test_an_audit_entry_has_the_trace_it_was_written_in() -> None:
    actor = actors.actor(Role.OPERATOR)
    with tracing.span("request"):
        trace_id = tracing.current_trace_id()
        with audit.action("demo.switch", actor=actor, target="payments"):
            pass
    (entry,) = audit_queries.entries(actor=actor, wanted=audit_queries.EntryFilter(), limit=1).entries
    assert entry.trace_id == trace_id
