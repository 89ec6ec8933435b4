"""The letters of the demo's own services carry a trace, and the console says where it can be seen."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from pytest_django import Settings
from structlog.testing import capture_logs

from dlq.models import Letter
from reliability.access import Role
from reliability.kafka import clusters
from reliability.kafka.incoming import Incoming
from reliability.kernel import clock, wire
from reliability.kernel.errors import Permanent
from reliability.kernel.telemetry import tracing
from sagas.orders import operations, shop
from tests.support import letters, outbox
from tests.support.actors import account
from tests.unit.kafka import fakes

pytestmark = pytest.mark.django_db

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CARRIED = ("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode())


def trace_tab(letter: Letter) -> str:
    account(Role.OPERATOR, name="ana")
    client = Client()
    client.force_login(get_user_model().objects.get(username="ana"))
    return client.get(f"/letters/{letter.pk}/?tab=trace").content.decode()


def test_every_order_of_the_shop_begins_a_trace_of_its_own(settings: Settings) -> None:
    settings.KAFKA_BACKEND = "memory"
    clusters.forget_memory()
    outbox.empty()
    shoppers = shop.Shoppers(started=clock.SYSTEM.now())
    for _ in range(20):  # the malformed ones of the legacy writer are among them
        shoppers.step()
    shoppers.close()
    clusters.forget_memory()
    with connection.cursor() as cursor:
        cursor.execute("SELECT headers FROM outbox_event WHERE topic = %s", [operations.ORDERS_PLACED])
        found = [tracing.trace_id_of(wire.unpack_headers(headers)) for (headers,) in cursor.fetchall()]
    assert len(found) > 20
    assert None not in found
    assert len(set(found)) == len(found)


def test_the_tab_shows_the_trace_and_says_that_no_tracing_system_has_it() -> None:
    letters.store(letters.record(1, extra=[CARRIED]))
    shown = trace_tab(Letter.objects.get())
    assert TRACE in shown
    assert "This console sends its spans nowhere" in shown
    assert "Letters of this trace" in shown


def test_with_a_collector_it_names_the_tracing_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "exports", lambda: True)
    letters.store(letters.record(1, extra=[CARRIED]))
    shown = trace_tab(Letter.objects.get())
    assert "Look for it in your tracing system" in shown
    assert "sends its spans nowhere" not in shown


def test_a_letter_without_a_trace_says_whose_it_would_have_been() -> None:
    letters.store(letters.record(1))
    assert "whoever sent it carries no traces" in trace_tab(Letter.objects.get())


def test_the_log_lines_of_a_record_that_is_given_up_name_its_trace() -> None:
    def refusing(one: Incoming) -> None:
        raise Permanent("account closed")

    with capture_logs() as lines:
        fakes.handling(fakes.Store(), refusing)([fakes.record(headers=[CARRIED])])
    assert [line["trace_id"] for line in lines if line["event"] == "record_given_up"] == [TRACE]
