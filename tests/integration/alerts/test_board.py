"""The page Alerts with many things on it: what is loud first, and every word of who has not heard."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from pytest_django import Settings

from reliability.access import Role
from reliability.alerts.models import Incident
from reliability.alerts.models.deliveries import State
from tests.support import actors, alerts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def board(settings: Settings, client: Client) -> Client:
    settings.ALERT_CHANNELS = alerts.CHANNELS
    client.force_login(actors.account(Role.OPERATOR).user)
    return client


def test_what_is_muted_stands_below_what_is_not_however_bad_it_is(board: Client) -> None:
    worse = [alerts.incident(f"group {each} is stalled", channels=["pager"]) for each in range(3)]
    Incident.objects.filter(pk__in=[each.pk for each in worse]).update(is_muted=True)
    loud = alerts.incident("stock is slow", severity="warn", channels=["pager"])
    page = board.get("/alerts/").content.decode()
    assert [int(each) for each in re.findall(r'id="incident-(\d+)"', page)] == [loud.pk, *(each.pk for each in worse)]
    assert "1 incident open" in page
    assert "3 more muted" in page


def test_who_has_not_taken_a_message_has_a_line_of_its_own(board: Client) -> None:
    made = alerts.incident("stock is slow", channels=["pager", "hook"])
    made.deliveries.filter(channel="pager").update(state=State.SENT)
    page = board.get("/alerts/").content.decode()
    assert 'title="pager; not taken by hook">pager<small class="warned">not taken by hook</small>' in page
