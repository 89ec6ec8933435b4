"""What a policy's form shows is what is saved, and what it cannot do it says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from reliability.access import Role
from reliability.degradation.models import Policy
from tests.support import actors, flags

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada(client: Client) -> Client:
    flags.declare()
    client.force_login(actors.account(Role.ADMIN, name="ada").user)
    return client


def form(**changes: Any) -> dict[str, Any]:
    given = {
        "name": "many-letters",
        "flag": "search",
        "level": "1",
        "joined": "any",
        "dwell_s": "60",
        "flips_per_hour": "6",
        "signal": ["letters.open"],
        "subject": ["billing"],
        "enter": ["1234567"],
        "exit": ["1234566.5"],
        "enter_for_s": ["0"],
        "exit_for_s": ["10"],
        "fresh_s": ["60"],
        "unit": [""],
        "version": "0",
        "is_on": "on",
        "reason": "r",
    }
    return {**given, **changes}


def test_numbers_come_back_as_they_were_saved(ada: Client) -> None:
    assert ada.post("/degradation/policies/", form()).status_code == 302
    page = ada.get("/degradation/policies/many-letters/").content.decode()
    assert re.findall(r'name="(?:enter|exit)" value="([^"]*)"', page)[:2] == ["1234567", "1234566.5"]


def test_a_signal_that_nobody_tells_is_refused_and_one_that_is_there_is_not_dropped(ada: Client) -> None:
    refused = ada.post("/degradation/policies/", form(signal=["lag.nonsense"]))
    assert refused.status_code == 422
    assert "There is no signal lag.nonsense; there are breaker.failing" in refused.content.decode()
    assert '<option value="lag.nonsense" selected>' in refused.content.decode()
    assert ada.post("/degradation/policies/", form(signal=["lag.seconds"])).status_code == 302
    assert Policy.objects.get().body["conditions"][0]["signal"] == "lag.seconds"


def test_a_unit_is_short(ada: Client) -> None:
    assert ada.post("/degradation/policies/", form(unit=["x" * 21])).status_code == 422
