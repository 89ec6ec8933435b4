"""What else is open under a key stands on the page of its saga and in the dialog of its repair."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from reliability.access import Role
from reliability.kernel import clock
from sagas.domain.errors import Unknown
from sagas.models import Finding
from sagas.views import elsewhere
from tests.support import actors
from tests.support.letters import record, store
from tests.support.reconciling import Books, books
from tests.support.sagas import Shop, raising, run, start

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "ord-17"


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands on the page is meant here, not how fast this machine finds it."""
    monkeypatch.setattr(elsewhere, "WITHIN_S", 30.0)


@pytest.fixture
def signed_in(client: Client) -> Client:
    client.force_login(actors.account(Role.OPERATOR, name="olga").user)
    return client


@pytest.fixture
def lost(shop: Shop) -> str:
    """The page of a saga of which nobody knows whether it was charged."""
    shop.then("charge", raising(Unknown("no answer")))
    saga_id = start(shop.order(), key=KEY)
    run()
    return f"/sagas/{saga_id}/"


@pytest.fixture
def differing() -> Iterator[Books]:
    with books() as made:
        made.order(KEY)
        made.compare()
        yield made


def test_alone_a_saga_offers_the_act_that_most_often_is_right(lost: str, signed_in: Client) -> None:
    page = signed_in.get(lost).content.decode()
    assert "Look at what both sides say" not in page
    assert 'class="button primary" id="act-happened"' in page
    assert "Open elsewhere" not in page


def test_where_both_sides_were_asked_their_answer_comes_before_a_guess(
    lost: str, differing: Books, signed_in: Client
) -> None:
    found = Finding.objects.get()
    page = signed_in.get(lost).content.decode()
    assert (
        f'<a class="button primary" id="finding" href="/reconcile/{found.id}/">Look at what both sides say</a>' in page
    )
    assert "Nothing was paid" in page
    assert 'class="button small" id="act-happened"' in page, "it can be done all the same"
    differing.pay(KEY)
    differing.order(KEY, "paid")
    differing.compare()
    assert "Look at what both sides say" not in signed_in.get(lost).content.decode()


def test_a_dead_letter_of_the_key_is_told_before_a_request_is_made_again(
    lost: str, differing: Books, signed_in: Client
) -> None:
    repair = f"/reconcile/{Finding.objects.get().id}/repair/"
    assert "Open under this key" not in signed_in.get(repair).content.decode()
    store(record(1, key=KEY.encode()), now=clock.SYSTEM.now())
    told = signed_in.get(repair).content.decode()
    assert "Open under this key" in told
    assert "1 letter" in told
    assert "1 letter" in signed_in.get(lost).content.decode()


def test_letters_that_did_not_answer_are_told_in_the_dialog(
    lost: str, differing: Books, signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elsewhere, "WITHIN_S", 0.0)
    told = signed_in.get(f"/reconcile/{Finding.objects.get().id}/repair/").content.decode()
    assert "Whether a dead letter asks for the same is not known." in told
