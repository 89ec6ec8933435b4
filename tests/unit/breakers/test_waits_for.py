"""Work that waits with its breakers: when it may begin, and what its calls may do."""

from __future__ import annotations

import asyncio

import pytest

from reliability.breakers.dependents.waiting import WaitsFor, waits_for
from reliability.breakers.domain.machine import Outcome
from reliability.breakers.domain.rules import WrongRules
from reliability.breakers.guard.errors import BreakerOpen
from tests.unit.breakers.fakes import Fleet


@pytest.fixture
def payments() -> Fleet:
    return Fleet()


@pytest.fixture
def waits(payments: Fleet) -> WaitsFor:
    return WaitsFor([payments.breaker])


def test_it_goes_on_while_its_breaker_is_closed(waits: WaitsFor, payments: Fleet) -> None:
    assert (waits.passage().share, waits.passage().reason) == (1.0, "")
    with waits.admitted(), payments.breaker:
        pass
    assert payments.speaker.asked == 0


def test_it_waits_while_its_breaker_is_open_and_says_why(waits: WaitsFor, payments: Fleet) -> None:
    payments.opened(15.0)
    passage = waits.passage()
    assert passage.share == 0
    assert passage.reason == "the breaker payments, which is open: 5 of 5 calls failed"
    assert 14 < waits.again_s() <= 15
    with pytest.raises(BreakerOpen, match="5 of 5 calls failed"), waits.admitted():
        pytest.fail("nothing is done")


def test_a_person_holds_it_open(waits: WaitsFor, payments: Fleet) -> None:
    payments.forced_open()
    assert (waits.passage().share, waits.passage().reason) == (0, "the breaker payments, which a person holds open")


def test_in_half_open_one_piece_of_work_for_each_permit_tries(waits: WaitsFor, payments: Fleet) -> None:
    payments.half_open("p")
    assert (waits.passage().share, waits.passage().records) == (1.0, 1)
    with waits.admitted():
        for _ in range(3):
            with payments.breaker:
                pass
    assert [(permit.id, outcome) for permit, outcome in payments.speaker.reports] == [("p", Outcome.OK)]
    assert payments.speaker.asked == 1, "what follows the probe belongs to the same work"
    with pytest.raises(BreakerOpen, match="others try"), waits.admitted():
        pytest.fail("the permits are given away")


def test_while_all_permits_are_given_away_it_waits(waits: WaitsFor, payments: Fleet) -> None:
    payments.full()
    assert waits.passage().share == 0
    assert "others try" in waits.passage().reason


def test_work_that_did_not_call_hands_its_permit_back(waits: WaitsFor, payments: Fleet) -> None:
    payments.half_open("p")
    with pytest.raises(ValueError, match="before the call"), waits.admitted():
        raise ValueError("before the call")
    assert [(permit.id, outcome) for permit, outcome in payments.speaker.reports] == [("p", None)]


def test_a_probe_that_fails_ends_the_right_of_its_work(waits: WaitsFor, payments: Fleet) -> None:
    payments.half_open("p")
    with waits.admitted():
        with pytest.raises(OSError, match="down"), payments.breaker:
            raise OSError("down")
        payments.opened()
        with pytest.raises(BreakerOpen), payments.breaker:
            pytest.fail("it is open again")
    assert [outcome for _, outcome in payments.speaker.reports] == [Outcome.ERROR]


def test_a_ramp_is_asked_once_for_the_work_not_again_for_each_of_its_calls(waits: WaitsFor, payments: Fleet) -> None:
    payments.recovering()
    assert waits.passage().share == 0.1
    with pytest.raises(BreakerOpen), payments.breaker:
        pytest.fail("the dice are against it")
    with waits.admitted():
        for _ in range(5):
            with payments.breaker:
                pass


def test_what_began_half_open_ends_in_a_ramp(waits: WaitsFor, payments: Fleet) -> None:
    payments.half_open("p")
    with waits.admitted():
        payments.recovering()
        with payments.breaker:
            pass


def test_work_that_a_person_stops_is_refused_from_then_on(waits: WaitsFor, payments: Fleet) -> None:
    payments.recovering()
    with waits.admitted():
        payments.forced_open()
        with pytest.raises(BreakerOpen, match="a person"), payments.breaker:
            pytest.fail("a person's word holds")


def test_a_coroutine_of_the_work_passes_like_a_call(waits: WaitsFor, payments: Fleet) -> None:
    payments.half_open("p")

    @payments.breaker
    async def charge() -> str:
        return "charged"

    with waits.admitted():
        assert asyncio.run(charge()) == "charged"
    assert [outcome for _, outcome in payments.speaker.reports] == [Outcome.OK]


def test_of_two_breakers_the_narrower_counts_and_a_permit_of_the_other_is_handed_back() -> None:
    payments, stock = Fleet("payments"), Fleet("stock")
    waits = WaitsFor([payments.breaker, stock.breaker])
    payments.half_open("p")
    stock.recovering(since_s=6.0)
    assert (waits.passage().share, waits.passage().records) == (0.25, 1)
    stock.opened()
    assert waits.passage().reason.startswith("the breaker stock")
    with pytest.raises(BreakerOpen, match="stock"), waits.admitted():
        pytest.fail("one of them refuses")
    assert [(permit.id, outcome) for permit, outcome in payments.speaker.reports] == [("p", None)]


def test_a_wrong_name_is_refused_where_it_is_said() -> None:
    with pytest.raises(WrongRules, match="is no name"):
        waits_for("Payments API")
