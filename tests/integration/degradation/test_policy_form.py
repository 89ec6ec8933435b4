"""What a policy's form shows is what is saved, and what it cannot do it says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from reliability.access import Role
from reliability.console.domain.values import Sample
from reliability.console.registry import REGISTRY, Signal
from reliability.degradation.models import Policy
from reliability.kernel import clock
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


@pytest.mark.parametrize(
    ("topics", "status"), [((), 302), (("orders.placed",), 302), (("orders.placed", "payments.taken"), 403)]
)
def test_who_sees_some_topics_makes_no_policy_that_tells_of_others(
    client: Client, monkeypatch: pytest.MonkeyPatch, topics: tuple[str, ...], status: int
) -> None:
    flags.declare()
    client.force_login(actors.account(Role.ADMIN, name="scoped", topics=("orders.*",)).user)
    told = Signal(
        name="letters.open",
        unit="letters",
        read=lambda subject: Sample(value=1.0, at=clock.SYSTEM.now(), topics=topics),
    )
    monkeypatch.setitem(REGISTRY.signals, "letters.open", told)
    answer = client.post("/degradation/policies/", form())
    assert answer.status_code == status
    assert Policy.objects.exists() is (status == 302)
    if status == 403:
        text = answer.content.decode()
        assert "of topics that scoped may not see" in text
        assert "payments.taken" not in text
        assert 'value="many-letters"' in text  # nothing that was typed is lost


@pytest.mark.parametrize("says", ["nothing", "error"])
def test_of_a_signal_that_cannot_be_asked_nobody_knows_whose_it_is(
    client: Client, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    def read(subject: str) -> Sample | None:
        if says == "error":
            raise OSError("away")
        return None

    flags.declare()
    client.force_login(actors.account(Role.ADMIN, name="scoped", topics=("orders.*",)).user)
    monkeypatch.setitem(REGISTRY.signals, "letters.open", Signal(name="letters.open", unit="letters", read=read))
    assert client.post("/degradation/policies/", form()).status_code == 403
    client.force_login(actors.account(Role.ADMIN, name="ada").user)
    assert client.post("/degradation/policies/", form()).status_code == 302
