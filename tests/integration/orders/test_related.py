"""What the shop tells of an order: its state, each payment with what was given back; and the search for orders."""

from __future__ import annotations

import pytest

from reliability.access import Role
from sagas.orders import models
from sagas.orders import related as shop
from sagas.orders.domain.states import OrderState, PaymentState
from tests.integration.orders.storing import NOW, NUMBER, paid, stored
from tests.support import actors

pytestmark = pytest.mark.django_db


def test_each_payment_is_told_with_what_was_given_back() -> None:
    stored()
    paid("second", refunded_cents=250, refunded_at=NOW)
    paid("third", refunded_cents=1250, refunded_at=NOW, state=PaymentState.REFUNDED)
    paid("fourth", state=PaymentState.FAILED)
    fourth, third, second, first = shop.payments(NUMBER)
    assert [(each.word, each.status) for each in (first, second, third, fourth)] == [
        ("Taken", "ok"),
        ("Taken", "ok"),
        ("Given back", "paused"),
        ("Refused", "crit"),
    ]
    assert (first.title, first.text, first.facts) == ("12.50 EUR", "card-ord-17", ())
    assert second.facts == (("Given back", "2.50 EUR"), ("Kept", "10.00 EUR"))
    assert [row.text for row in second.happened] == ["12.50 EUR taken: second", "2.50 EUR given back in all: second"]
    assert [row.text for row in fourth.happened] == ["12.50 EUR refused: fourth"]


def test_a_payment_of_an_order_that_there_is_not_is_told_too() -> None:
    paid("orphan")
    (part,) = shop.payments(NUMBER)
    assert part.title == "12.50"
    assert shop.order(NUMBER) == []


@pytest.mark.parametrize("state", OrderState)
def test_every_state_of_an_order_has_its_word(state: OrderState) -> None:
    stored()
    models.Order.objects.update(state=state)
    (part,) = shop.order(NUMBER)
    assert part.word.lower() == state
    assert [row.text for row in part.happened][1:] == ([] if state is OrderState.PENDING else [f"is {state}"])


@pytest.mark.parametrize("wanted", ["", "a\x00b", "\ud800", "rd-17", "%", "_"])
def test_the_search_takes_a_beginning_as_it_stands(wanted: str) -> None:
    stored()
    assert shop.find(actors.actor(Role.VIEWER), wanted) == []


def test_the_search_finds_the_newest_for_who_may_see_them() -> None:
    for number in range(shop.FOUND_MAX + 5):
        models.Order.objects.create(
            number=f"ord-{number:02d}",
            sku="mug-blue",
            amount_cents=1250,
            currency="EUR",
            provider="card",
            country="DE",
            placed_at=NOW,
            state_changed_at=NOW,
        )
    found = shop.find(actors.actor(Role.VIEWER), "ord-")
    assert [part.title for part in found] == [f"ord-{number:02d}" for number in range(14, 4, -1)]
    assert (found[0].url, found[0].word) == ("/orders/ord-14/", "Pending")
    assert shop.find(actors.actor(None), NUMBER) == []
