"""The payment desk's faults: which business orders they hit, and what the desk reckons."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagas.orders import desk, sagas, shop
from sagas.orders.domain import accounting, events, faults, states, workload
from sagas.orders.domain.states import OrderState

OF_THE_DESK = {
    faults.PAYMENT_NEWS_LOST,
    faults.PAID_TWICE,
    faults.OTHER_AMOUNTS,
    faults.PAYMENT_TIMEOUTS,
    faults.PAYMENT_DECLINED,
}
TWO_MINUTES = int(120 / (shop.ORDER_EVERY_S * shop.BUSINESS_EVERY))


def business_orders(count: int) -> list[tuple[str, workload.NewOrder]]:
    """The first business orders of every demo, with their numbers."""
    served = (each for each in workload.orders(seed=shop.SEED + 1) if each.country in shop.SERVED)
    return [(f"biz-6920a1b2-{place}", order) for place, order in enumerate(islice(served, count), 1)]


def test_no_order_is_hit_by_two_faults_and_each_fault_hits_one_of_ten() -> None:
    hits = Counter(faults.hit_of(f"biz-1-{number}") for number in range(1, 101))
    assert hits == {None: 50, **dict.fromkeys(OF_THE_DESK, 10)}


def test_within_two_minutes_each_fault_has_hit_an_order_that_gets_as_far_as_its_payment() -> None:
    early = business_orders(TWO_MINUTES - 2)  # the last ones may still be under way
    assert {faults.hit_of(number) for number, order in early if order.sku != faults.CONTESTED_SKU} >= OF_THE_DESK
    assert any(order.sku == faults.CONTESTED_SKU for _, order in early)


def test_more_than_a_third_of_the_business_orders_goes_through_untouched() -> None:
    orders = business_orders(1_000)
    untouched = [number for number, order in orders if not faults.hit_of(number) and order.sku != faults.CONTESTED_SKU]
    assert 333 < len(untouched) < 450


@pytest.mark.parametrize(
    "number", ["", "biz", "biz-7", "biz--", "ord-1-7", "biz-1-x", "biz-1-\u0667", f"biz-1-{'7' * 30}"]
)
def test_what_is_no_business_order_is_hit_by_nothing(number: str) -> None:
    assert faults.hit_of(number) is None


def test_the_desk_s_time_outs_are_another_failure_than_those_of_the_outage() -> None:
    with pytest.raises(faults.PaymentTimeout) as raised:
        faults.collect(provider="card", number="biz-1-7", times_out=True)
    assert raised.traceback[-1].name == "collect", "the failure is called after it, beside PaymentTimeout in charge"
    same = {"provider": "card", "number": "biz-1-7"}
    assert faults.collect(**same, times_out=False) == faults.charge(**same, outage=True) == "card-biz-1-7"


def test_late_news_come_after_the_saga_has_given_up_waiting() -> None:
    wait = sagas.business_order.step("payment")
    assert wait.deadline.total_seconds() < faults.LATE_S
    assert desk.TOLD_AT_ONCE_MAX > shop.LATE_NEWS_EVERY_S / (shop.ORDER_EVERY_S * shop.BUSINESS_EVERY)


cents = st.integers(0, 10**9)


@given(st.lists(cents, max_size=5), st.none() | cents)
def test_nobody_gets_more_back_than_is_left_nor_more_than_was_asked_for(left: list[int], at_most: int | None) -> None:
    given = accounting.shares(left, at_most=at_most)
    assert all(0 <= share <= of for share, of in zip(given, left, strict=True))
    assert sum(given) == (sum(left) if at_most is None else min(at_most, sum(left)))


@pytest.mark.parametrize(
    ("asked", "amount", "refunded", "told"),
    [(1250, 1250, 0, 1250), (1250, 1375, 0, 1250), (1250, 1375, 125, 1250), (1250, 1250, 50, 1200)],
)
def test_the_news_tell_what_was_asked_for_or_less_if_less_is_left(
    asked: int, amount: int, refunded: int, told: int
) -> None:
    assert accounting.with_extra(1250) == 1375
    assert accounting.told_cents(asked_cents=asked, amount_cents=amount, refunded_cents=refunded) == told


def test_what_is_shipped_or_cancelled_stays_so() -> None:
    left = {state: {to for to in OrderState if state in states.before(to)} for state in OrderState}
    assert left[OrderState.SHIPPED] == left[OrderState.CANCELLED] == set()
    assert OrderState.PENDING not in left[OrderState.PAID]


@pytest.mark.parametrize(
    "value", [None, 7, "", "x" * 41, "a\x00b", "\ud800", ["a"], True], ids=lambda value: repr(value)[:12]
)
def test_a_text_that_no_table_has_room_for_is_malformed(value: object) -> None:
    with pytest.raises(faults.MalformedEvent, match="order_id"):
        events.text({"order_id": value}, "order_id")


@pytest.mark.parametrize("value", [None, "7", 0, -1, 1.5, True, 10**9 + 1, 2**63])
def test_an_amount_that_is_none_is_malformed(value: object) -> None:
    with pytest.raises(faults.MalformedEvent, match="amount_cents"):
        events.cents({"amount_cents": value}, "amount_cents")


def test_the_largest_amount_has_room_in_its_column_even_with_what_is_added() -> None:
    assert accounting.with_extra(events.cents({"c": events.CENTS_MAX}, "c")) < 2**31


def test_what_an_event_may_leave_out_may_be_null_too() -> None:
    for event in ({}, {"reference": None, "amount_cents": None}):
        assert events.text_if_any(event, "reference") is None
        assert events.cents_if_any(event, "amount_cents") is None
    with pytest.raises(faults.MalformedEvent):
        events.cents_if_any({"amount_cents": 0}, "amount_cents")
