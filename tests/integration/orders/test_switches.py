"""The switches of the demo's faults, as their page sends them."""

from __future__ import annotations

import pytest
from django.test import Client

from reliability.access import Role
from reliability.audit.models import Entry
from sagas.orders.models import FaultSwitch
from tests.support.actors import account

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.integration.orders.urls")]


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(account(Role.OPERATOR).user)
    return client


def test_a_fault_is_switched_on_and_off(operator: Client) -> None:
    for state, on in (("on", True), ("off", False)):
        assert operator.post(f"/demo/faults/stock_bug/{state}/").status_code == 302
        assert FaultSwitch.objects.get(name="stock_bug").on is on
        said = {"on": on, "title": "Gift cards in the stock service"}
        assert Entry.objects.latest("seq").facts.items() >= said.items(), "the activity names it as the page does"


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("x/y", "A fault can be switched on or off, not &#x27;y&#x27;."),
        ("x/off", "The demo has no fault named &#x27;x&#x27;"),
        ("stock_bug/OFF", "A fault can be switched on or off, not &#x27;OFF&#x27;."),
    ],
)
def test_a_fault_or_a_state_that_there_is_not_changes_nothing(operator: Client, address: str, sentence: str) -> None:
    operator.post("/demo/faults/stock_bug/on/")
    answer = operator.post(f"/demo/faults/{address}/")
    assert answer.status_code == 404
    assert sentence in answer.content.decode()
    assert FaultSwitch.objects.get().on
