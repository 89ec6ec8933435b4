"""The dialog asks for what later steps read, with its shape, and does nothing without it."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from django.test import Client

import sagas
from reliability.access import Role
from tests.support import actors
from tests.support.sagas import Shop, due_now, run, start, state

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unpaid(shop: Shop) -> UUID:
    """A saga whose payment did not come in time."""
    definition = sagas.saga(
        "paying",
        steps=[
            sagas.wait("payment", event="paid", deadline=sagas.seconds(0.001), late="person", gives=["cents"]),
            sagas.step("ship", do=shop.work("ship")),
        ],
    )
    saga_id = start(definition, key="o-1")
    run()
    due_now()
    run()
    assert state(saga_id).status == "needs_operator"
    return saga_id


@pytest.fixture
def olga(client: Client) -> Client:
    client.force_login(actors.account(Role.OPERATOR, name="olga").user)
    return client


def test_the_form_has_the_shape_and_names_what_is_read(olga: Client, unpaid: UUID) -> None:
    page = olga.get(f"/sagas/{unpaid}/acts/happened/")
    assert json.loads(page.context["sent"].data) == {"cents": None}
    assert "later steps read <strong>cents</strong>" in page.content.decode()
    skip = olga.get(f"/sagas/{unpaid}/acts/skip/")
    assert json.loads(skip.context["sent"].data) == {"payment": {"cents": None}}


@pytest.mark.parametrize("data", ["", "{}", '{"cents": null}'])
def test_without_it_nothing_is_done_and_with_it_the_saga_goes_on(olga: Client, unpaid: UUID, data: str) -> None:
    sent = {"reason": "seen at the bank", "version": str(state(unpaid).version), "data": data}
    refused = olga.post(f"/sagas/{unpaid}/acts/happened/", sent)
    assert refused.status_code == 422
    assert "Later steps read cents of payment: give them as data." in refused.content.decode()
    assert refused.context["sent"].data == data
    assert olga.post(f"/sagas/{unpaid}/acts/happened/", sent | {"data": '{"cents": 5}'}).status_code == 302
    run()
    assert state(unpaid).status == "completed"
