"""The payment desk: money is taken once per order, whatever is asked for how often, with each of its faults."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from sagas.orders import desk, ledger, models
from sagas.orders.domain import faults
from sagas.orders.domain.faults import MalformedEvent, PaymentTimeout
from tests.integration.orders.selling import (
    DECLINED,
    LOST,
    NOW,
    OTHER,
    TIMEOUT,
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

LATE = NOW + timedelta(seconds=faults.LATE_S)


@pytest.fixture(autouse=True)
def _all_works() -> None:
    outbox.empty()
    mend()


def news(number: str, *, cents: int = 1250) -> dict[str, object]:
    return {"order_id": number, "reference": f"card-{number}", "amount_cents": cents}


def test_asked_twice_it_charges_once_and_tells_the_same_news_again() -> None:
    asked(UNTOUCHED)
    asked(UNTOUCHED, key="repair-1", provider="wallet", amount_cents=9)
    assert entries(UNTOUCHED) == [(f"card-{UNTOUCHED}", "completed", 1250, 0)]
    assert told() == [news(UNTOUCHED)] * 2


def test_asked_at_once_from_two_sides_it_charges_once() -> None:
    at_once(*[lambda: asked(UNTOUCHED)] * 4)
    assert entries(UNTOUCHED) == [(f"card-{UNTOUCHED}", "completed", 1250, 0)]
    assert told() == [news(UNTOUCHED)] * 4


def test_with_all_faults_on_an_order_that_none_hits_is_charged_and_told_once() -> None:
    for fault in (faults.PAID_TWICE, faults.OTHER_AMOUNTS, faults.PAYMENT_TIMEOUTS, faults.PAYMENT_DECLINED):
        switch(fault, on=True)
    asked(UNTOUCHED)
    asked("ord-1-7")
    assert entries(UNTOUCHED) == [(f"card-{UNTOUCHED}", "completed", 1250, 0)]
    assert entries("ord-1-7") == [("card-ord-1-7", "completed", 1250, 0)]
    assert told() == [news(UNTOUCHED), news("ord-1-7")]


def test_a_time_out_writes_nothing_down_and_the_next_try_charges() -> None:
    switch(faults.PAYMENT_TIMEOUTS, on=True)
    with pytest.raises(PaymentTimeout):
        asked(TIMEOUT)
    assert (entries(TIMEOUT), told()) == ([], [])
    switch(faults.PAYMENT_TIMEOUTS, on=False)
    asked(TIMEOUT)
    assert entries(TIMEOUT) == [(f"card-{TIMEOUT}", "completed", 1250, 0)]
    assert told() == [news(TIMEOUT)]


def test_a_declined_payment_is_written_down_and_told_nobody_until_asked_for_again() -> None:
    switch(faults.PAYMENT_DECLINED, on=True)
    for minute in range(2):  # the fault declines it again
        asked(DECLINED, now=NOW + timedelta(minutes=minute))
        assert entries(DECLINED) == [(f"card-{DECLINED}", "failed", 1250, 0)]
    assert told() == []
    assert models.Payment.objects.get().captured_at == NOW + timedelta(minutes=1)
    switch(faults.PAYMENT_DECLINED, on=False)
    asked(DECLINED)
    assert entries(DECLINED) == [(f"card-{DECLINED}", "completed", 1250, 0)]
    assert told() == [news(DECLINED)]


def test_another_amount_is_taken_and_what_was_asked_for_is_told() -> None:
    switch(faults.OTHER_AMOUNTS, on=True)
    asked(OTHER)
    asked(OTHER)
    assert entries(OTHER) == [(f"card-{OTHER}", "completed", 1375, 0)]
    assert told() == [news(OTHER)] * 2
    asked_back(OTHER, reference=f"card-{OTHER}", amount_cents=125)
    asked(OTHER)
    assert told()[-1] == news(OTHER), "the customer has the excess back, what was asked for was paid"


def test_an_order_that_is_charged_twice_is_told_once_and_never_charged_a_third_time() -> None:
    switch(faults.PAID_TWICE, on=True)
    asked(TWICE)
    double = [(f"card-{TWICE}", "completed", 1250, 0), (f"card-{TWICE}-2", "completed", 1250, 0)]
    assert entries(TWICE) == double
    assert told() == [news(TWICE)]
    asked(TWICE)
    assert entries(TWICE) == double


def test_lost_news_are_told_when_asked_for_again_even_while_news_are_lost() -> None:
    switch(faults.PAYMENT_NEWS_LOST, on=True)
    asked(LOST)
    assert entries(LOST) == [(f"card-{LOST}", "completed", 1250, 0)]
    assert told() == []
    asked(LOST)
    assert told() == [news(LOST)]


def test_late_news_are_told_once_when_their_time_has_come() -> None:
    switch(faults.LATE_ANSWERS, on=True)
    asked(UNTOUCHED)
    assert desk.tell_late_news(now=LATE - timedelta(seconds=1)) == 0
    assert told() == []
    assert at_once(*[lambda: desk.tell_late_news(now=LATE)] * 3).count(1) == 1
    assert desk.tell_late_news(now=LATE) == 0
    assert told() == [news(UNTOUCHED)]


def test_late_news_that_were_asked_for_meanwhile_are_not_told_again() -> None:
    switch(faults.LATE_ANSWERS, on=True)
    asked(UNTOUCHED)
    asked(UNTOUCHED)
    assert told() == [news(UNTOUCHED)]
    assert desk.tell_late_news(now=LATE) == 0


def test_late_news_of_money_that_was_given_back_are_not_told() -> None:
    switch(faults.LATE_ANSWERS, on=True)
    asked(UNTOUCHED)
    asked_back(UNTOUCHED)
    assert desk.tell_late_news(now=LATE) == 0
    assert told() == []


def test_late_news_leave_alone_what_somebody_is_asking_for_at_that_moment() -> None:
    switch(faults.LATE_ANSWERS, on=True)
    asked(UNTOUCHED)
    with transaction.atomic():
        ledger.look(UNTOUCHED)
        assert at_once(lambda: desk.tell_late_news(now=LATE)) == [0]
    assert desk.tell_late_news(now=LATE) == 1


def test_a_part_that_is_given_back_while_late_news_are_told_has_them_told_no_second_time() -> None:
    switch(faults.LATE_ANSWERS, on=True)
    asked(UNTOUCHED)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert desk.tell_late_news(now=LATE) == 1
            giving = pool.submit(at_once, lambda: asked_back(UNTOUCHED, amount_cents=100))
            with pytest.raises(TimeoutError):
                giving.result(0.3)  # it waits for the row
        giving.result(20)
    assert entries(UNTOUCHED) == [(f"card-{UNTOUCHED}", "completed", 1250, 100)]
    assert desk.tell_late_news(now=LATE) == 0


def test_what_is_late_and_declined_or_lost_is_never_told_and_what_is_late_and_twice_is_told_once() -> None:
    for fault in (faults.LATE_ANSWERS, faults.PAYMENT_DECLINED, faults.PAYMENT_NEWS_LOST, faults.PAID_TWICE):
        switch(fault, on=True)
    for number in (DECLINED, LOST, TWICE):
        asked(number)
    assert told() == []
    desk.tell_late_news(now=LATE)
    assert told() == [news(TWICE)]


def test_a_flood_of_late_news_is_told_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "TOLD_AT_ONCE_MAX", 2)
    switch(faults.LATE_ANSWERS, on=True)
    for place in range(3):
        asked(f"biz-1-{place + 1}1")
    assert [desk.tell_late_news(now=LATE) for _ in range(3)] == [2, 1, 0]
    assert len(told()) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"order_id": "a\x00b"},
        {"order_id": "x" * 41},
        {"order_id": None},
        {"amount_cents": 0},
        {"amount_cents": 10**12},
        {"amount_cents": "1250"},
        {"provider": ""},
    ],
    ids=str,
)
def test_what_cannot_be_charged_is_malformed_and_leaves_nothing(wrong: dict[str, Any]) -> None:
    with pytest.raises(MalformedEvent):
        asked(**{"number": UNTOUCHED} | wrong)
    assert not models.Payment.objects.exists()


def test_the_ledger_itself_refuses_to_give_back_more_than_was_taken() -> None:
    asked(UNTOUCHED)
    for cents in (1251, -1):
        with pytest.raises(IntegrityError), transaction.atomic():
            models.Payment.objects.update(refunded_cents=cents)
