"""A consumer that waits with its breakers: nothing is tried, no retry is burnt, and a ramp bounds what comes back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from outbox import queries
from outbox.consume import Message
from reliability import breakers
from reliability.breakers import registry
from reliability.breakers.domain.machine import Outcome
from tests.integration.consume.shop import Shop
from tests.unit.breakers.fakes import Fleet


@pytest.fixture
def payments() -> Fleet:
    return Fleet()


def step_for(consumer: object, seconds: float) -> None:
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        consumer.step()  # type: ignore[attr-defined]


def step_until(consumer: object, holds: Callable[[], bool], *, within_s: float = 40.0) -> float:
    """Step until it holds; return how long that took, in seconds."""
    began_s = time.monotonic()
    while not holds():
        assert time.monotonic() - began_s < within_s
        consumer.step()  # type: ignore[attr-defined]
    return time.monotonic() - began_s


def test_while_it_is_open_nothing_is_read_or_tried_and_then_all_goes_on(shop: Shop, payments: Fleet) -> None:
    handled: list[bytes | None] = []

    def handler(message: Message) -> None:
        with payments.breaker:
            handled.append(message.value)

    consumer = shop.consumer(handler, breakers=[payments.breaker])
    step_for(consumer, 0.6)
    payments.opened(60.0)
    step_for(consumer, 0.4)
    for number in range(4):
        shop.write(b"%d" % number)
    step_for(consumer, 1.0)
    facts = consumer.facts()
    assert (handled, facts["held_records"], facts["partitions"]) == ([], 0, 2)
    assert facts["gate"] == "the breaker payments, which is open: 5 of 5 calls failed"
    payments.closed()
    shop.consume(consumer, until=lambda: shop.position() == 4)
    assert handled == [b"0", b"1", b"2", b"3"]
    assert shop.appended() == [], "no dead letter, no retry"


def test_a_call_that_is_refused_within_a_handler_is_no_try(shop: Shop, payments: Fleet) -> None:
    tries: list[int] = []

    def handler(message: Message) -> None:
        tries.append(message.attempt)
        with payments.breaker:
            pass

    payments.opened(0.1)
    shop.write(b"x")
    consumer = shop.consumer(handler)  # it names no breaker

    def refused_often() -> bool:
        payments.opened(0.05)
        return len(tries) >= 6

    shop.consume(consumer, until=refused_often)
    assert shop.position() == 0
    payments.closed()
    shop.consume(consumer, until=lambda: shop.position() == 1)
    assert shop.appended() == []
    assert queries.inbox_states("payments", ["orders/0/0"])["orders/0/0"].state == "done"
    assert set(tries) == {1}


def test_in_half_open_so_many_records_try_as_there_are_permits(shop: Shop, payments: Fleet) -> None:
    handled: list[bytes | None] = []

    def handler(message: Message) -> None:
        with payments.breaker:
            handled.append(message.value)

    for number in range(5):
        shop.write(b"%d" % number)
    payments.half_open("p1", "p2")
    consumer = shop.consumer(handler, breakers=[payments.breaker])
    step_for(consumer, 2.5)
    assert handled == [b"0", b"1"]
    assert [outcome for _, outcome in payments.speaker.reports] == [Outcome.OK, Outcome.OK]
    payments.closed()
    shop.consume(consumer, until=lambda: shop.position() == 5)
    assert handled == [b"0", b"1", b"2", b"3", b"4"]


def test_while_it_recovers_records_take_the_ramps_share_of_the_time(shop: Shop, payments: Fleet) -> None:
    handled: list[float] = []

    def handler(message: Message) -> None:
        with payments.breaker:
            time.sleep(0.05)
            handled.append(time.monotonic())

    for number in range(200):
        shop.write(b"%d" % number)
    payments.recovering()
    consumer = shop.consumer(handler, breakers=[payments.breaker])
    slow_s = step_until(consumer, lambda: len(handled) >= 6)
    assert slow_s > 2.0, "some 50 ms of each half second, and none of them refused by the breaker's own dice"
    payments.recovering(since_s=11.0)
    before = len(handled)
    quick_s = step_until(consumer, lambda: len(handled) - before >= 20)
    assert quick_s > 1.5, "half of the time"
    assert quick_s / 20 < slow_s / 6


def test_a_refusal_before_a_batch_began_leaves_no_trace(shop: Shop, payments: Fleet) -> None:
    """The permits go to others between the look and the asking."""
    handled: list[bytes | None] = []
    shop.write(b"x")
    payments.half_open()
    consumer = shop.consumer(lambda message: handled.append(message.value), breakers=[payments.breaker], batch=10)
    step_for(consumer, 1.5)
    assert (handled, shop.position(), payments.speaker.asked >= 1) == ([], 0, True)
    assert "others try" in str(consumer.facts()["waiting"])
    payments.closed()
    shop.consume(consumer, until=lambda: shop.position() == 1)


@pytest.fixture
def own_breakers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process's breakers and their agent, for one test."""
    monkeypatch.setattr(registry, "_agent", None)
    monkeypatch.setattr(registry, "_breakers", {})
    yield
    registry.agent().stop()


def test_a_name_is_enough(shop: Shop, own_breakers: None) -> None:
    seen = threading.Event()
    shop.write(b"x")
    consumer = shop.consumer(lambda message: seen.set(), breakers=["payments-of-this-test"])
    shop.consume(consumer, until=seen.is_set)
    with pytest.raises(breakers.WrongRules, match="is no name"):
        shop.consumer(lambda message: None, breakers=["No Name"])
