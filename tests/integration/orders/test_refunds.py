"""Money that is given back: once per request, never more than was taken, and never taken again."""

from __future__ import annotations

from typing import Any

import pytest

from sagas.orders import ledger, models
from sagas.orders.domain import faults
from sagas.orders.domain.faults import MalformedEvent
from tests.integration.orders.selling import (
    DECLINED,
    NOW,
    TWICE,
    UNTOUCHED,
    asked,
    asked_back,
    at_once,
    entries,
    mend,
    switch,
    told,
)
from tests.support import outbox

pytestmark = pytest.mark.django_db(transaction=True)

REFERENCE = f"card-{UNTOUCHED}"


@pytest.fixture(autouse=True)
def _all_works() -> None:
    outbox.empty()
    mend()


def test_all_of_an_order_s_payments_are_given_back() -> None:
    switch(faults.PAID_TWICE, on=True)
    asked(TWICE)
    asked_back(TWICE)
    assert [entry[1:] for entry in entries(TWICE)] == [("refunded", 1250, 1250)] * 2
    assert set(models.Payment.objects.values_list("refunded_at", flat=True)) == {NOW}
    refund = models.Refund.objects.get()
    assert (refund.reference, refund.amount_cents, refund.whole) == ("", 2500, True)


def test_one_payment_is_given_back_and_the_other_stays() -> None:
    switch(faults.PAID_TWICE, on=True)
    asked(TWICE)
    asked_back(TWICE, key="r1", reference=f"card-{TWICE}-2")
    assert [entry[1:] for entry in entries(TWICE)] == [("completed", 1250, 0), ("refunded", 1250, 1250)]
    asked(TWICE)
    assert told()[-1]["reference"] == f"card-{TWICE}", "it is still paid"


def test_a_part_is_given_back_until_nothing_is_left() -> None:
    asked(UNTOUCHED)
    for number, left in enumerate([(1000, "completed"), (1200, "completed"), (1250, "refunded"), (1250, "refunded")]):
        part = {"amount_cents": 1000 if number == 0 else 200, "reference": REFERENCE}
        asked_back(UNTOUCHED, key=f"part-{number}", **part)
        assert entries(UNTOUCHED) == [(REFERENCE, left[1], 1250, left[0])]
    given = models.Refund.objects.order_by("id").values_list("amount_cents", flat=True)
    assert list(given) == [1000, 200, 50, 0]


def test_an_amount_without_a_reference_comes_from_the_last_payments() -> None:
    switch(faults.PAID_TWICE, on=True)
    asked(TWICE)
    asked_back(TWICE, amount_cents=1300)
    assert [entry[1:] for entry in entries(TWICE)] == [("completed", 1250, 50), ("refunded", 1250, 1250)]


def test_the_same_request_gives_back_once() -> None:
    asked(UNTOUCHED)
    for _ in range(3):
        asked_back(UNTOUCHED, key="r1", reference=REFERENCE, amount_cents=100)
    assert entries(UNTOUCHED) == [(REFERENCE, "completed", 1250, 100)]
    asked_back(UNTOUCHED, key="r2", reference=REFERENCE, amount_cents=100)
    assert entries(UNTOUCHED) == [(REFERENCE, "completed", 1250, 200)]


def test_the_same_request_twice_at_once_gives_back_once() -> None:
    asked(UNTOUCHED)
    at_once(*[lambda: asked_back(UNTOUCHED, key="r1", reference=REFERENCE, amount_cents=100)] * 4)
    assert entries(UNTOUCHED) == [(REFERENCE, "completed", 1250, 100)]
    assert models.Refund.objects.count() == 1


def test_two_requests_at_once_give_back_what_there_is_and_no_more() -> None:
    asked(UNTOUCHED)
    at_once(*[lambda key=f"r{n}": asked_back(UNTOUCHED, key=key, amount_cents=1000) for n in range(3)])
    assert entries(UNTOUCHED) == [(REFERENCE, "refunded", 1250, 1250)]
    assert sorted(models.Refund.objects.values_list("amount_cents", flat=True)) == [0, 250, 1000]


def test_one_key_for_two_orders_gives_back_the_first_ones_only() -> None:
    asked("biz-1-11")
    asked("biz-1-21")
    at_once(lambda: asked_back("biz-1-11", key="r1"), lambda: asked_back("biz-1-21", key="r1"))
    assert sorted(entries("biz-1-11")[0][1:] + entries("biz-1-21")[0][1:], key=str).count("refunded") == 1


def test_charged_and_asked_back_at_once_the_money_is_never_kept() -> None:
    for place in range(1, 6):
        number = f"biz-{place}-1"
        at_once(lambda number=number: asked(number), lambda number=number: asked_back(number, key=f"{number}:undo"))
        assert [entry[1] for entry in entries(number)] in ([], ["refunded"])


@pytest.mark.parametrize("again", ["s:ask_payment:do", "repair-1"])
def test_what_was_asked_back_before_it_was_asked_for_is_not_charged_any_more(again: str) -> None:
    """A letter that is replayed after its saga was undone."""
    asked_back(UNTOUCHED)
    asked(UNTOUCHED, key=again)
    assert (entries(UNTOUCHED), told()) == ([], [])


def test_what_was_given_back_is_not_charged_again_and_not_told() -> None:
    asked(UNTOUCHED)
    asked_back(UNTOUCHED)
    asked(UNTOUCHED, key="repair-1")
    assert entries(UNTOUCHED) == [(REFERENCE, "refunded", 1250, 1250)]
    assert len(told()) == 1


def test_of_a_failed_payment_there_is_nothing_to_give_back() -> None:
    switch(faults.PAYMENT_DECLINED, on=True)
    asked(DECLINED)
    asked_back(DECLINED)
    assert entries(DECLINED) == [(f"card-{DECLINED}", "failed", 1250, 0)]
    switch(faults.PAYMENT_DECLINED, on=False)
    asked(DECLINED)
    assert entries(DECLINED) == [(f"card-{DECLINED}", "failed", 1250, 0)], "its saga was undone"


@pytest.mark.parametrize("reference", ["card-biz-1-2", "nothing"])
def test_a_payment_of_another_order_is_not_given_back(reference: str) -> None:
    asked("biz-1-2")
    asked(UNTOUCHED)
    with pytest.raises(ledger.NoSuchPayment, match=reference):
        asked_back(UNTOUCHED, reference=reference)
    assert not models.Payment.objects.filter(refunded_cents__gt=0).exists()
    assert not models.Refund.objects.exists(), "it may be asked for under the same key when the payment is there"


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": None},
        {"key": ""},
        {"key": "k\x00"},
        {"key": "k" * 401},
        {"reference": ""},
        {"reference": 5},
        {"reference": "r" * 101},
        {"amount_cents": 0},
        {"amount_cents": -5},
        {"amount_cents": "all"},
        {"number": "\ud800"},
    ],
    ids=lambda wrong: ascii(wrong)[:40],
)
def test_a_request_that_says_nothing_clear_is_malformed_and_gives_nothing_back(wrong: dict[str, Any]) -> None:
    asked(UNTOUCHED)
    with pytest.raises(MalformedEvent):
        asked_back(**{"number": UNTOUCHED} | wrong)
    assert entries(UNTOUCHED) == [(REFERENCE, "completed", 1250, 0)]


def test_what_is_null_is_left_out() -> None:
    asked(UNTOUCHED)
    asked_back(UNTOUCHED, reference=None, amount_cents=None)
    assert entries(UNTOUCHED) == [(REFERENCE, "refunded", 1250, 1250)]
