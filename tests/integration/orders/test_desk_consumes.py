"""The payment desk as a consumer of its topics: letters when it times out, one refund however often it is asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import orjson
import pytest
from django.db import connection
from pytest_django import Settings

from outbox.consume import Consumer
from outbox.models import Event
from reliability.kafka import clusters
from reliability.kernel import clock
from sagas.orders import handlers, shop, trading
from sagas.orders.domain import faults
from tests.integration.orders.selling import TIMEOUT, UNTOUCHED, asked, entries, mend, switch, told
from tests.support import outbox

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_S = 20.0
LETTERS = f"{trading.PAYMENTS_ASKED}.payment-desk.dlq"


class Desk:
    """The desk on the broker in memory."""

    def __init__(self) -> None:
        self.broker = clusters.memory_broker()
        self.broker.admin().create_topics(dict.fromkeys(shop.DESK, 1))
        self.consumer = Consumer(
            group="payment-desk", topics=shop.DESK, handler=handlers.at_payment_desk, blocking_retries=2
        )

    def send(self, topic: str, event: Mapping[str, object]) -> None:
        producer = self.broker.producer()
        producer.produce(topic=topic, key=str(event["order_id"]).encode(), value=orjson.dumps(event))
        producer.close()

    def work(self, *, until: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not until():
            assert time.monotonic() < end, self.consumer.facts()
            self.consumer.step()

    def read(self, topic: str) -> int:
        """How many records of a topic are done with."""
        committed = self.broker.group("payment-desk").committed
        return sum(offset for partition, offset in committed.items() if partition.topic == topic)


@pytest.fixture
def desk(settings: Settings) -> Iterator[Desk]:
    settings.KAFKA_BACKEND = "memory"
    clusters.forget_memory()
    outbox.empty()
    mend()
    made = Desk()
    yield made
    made.consumer.close()
    clusters.forget_memory()


def request(number: str) -> dict[str, object]:
    return {"order_id": number, "amount_cents": 1250, "provider": "card", "key": "s:ask_payment:do"}


def test_an_order_that_times_out_becomes_a_letter_and_its_replay_charges_once(desk: Desk) -> None:
    switch(faults.PAYMENT_TIMEOUTS, on=True)
    desk.send(trading.PAYMENTS_ASKED, request(TIMEOUT))
    desk.send(trading.PAYMENTS_ASKED, request(UNTOUCHED))
    desk.work(until=lambda: desk.read(trading.PAYMENTS_ASKED) == 2)
    letter = Event.objects.get(topic=LETTERS)
    assert orjson.loads(bytes(letter.value)) == request(TIMEOUT)
    assert (entries(TIMEOUT), len(entries(UNTOUCHED))) == ([], 1)
    switch(faults.PAYMENT_TIMEOUTS, on=False)
    for _ in range(2):
        desk.send(trading.PAYMENTS_ASKED, orjson.loads(bytes(letter.value)))
    desk.work(until=lambda: desk.read(trading.PAYMENTS_ASKED) == 4)
    assert entries(TIMEOUT) == [(f"card-{TIMEOUT}", "completed", 1250, 0)]
    assert [each["reference"] for each in told()].count(f"card-{TIMEOUT}") == 2, "the same news: its saga takes one"


def test_a_refund_that_is_asked_for_by_several_messages_of_one_key_is_one(desk: Desk) -> None:
    asked(UNTOUCHED)
    refund = {"order_id": UNTOUCHED, "key": "repair-1", "reference": f"card-{UNTOUCHED}", "amount_cents": 100}
    for _ in range(3):
        desk.send(trading.PAYMENTS_REFUNDED, refund)
    desk.work(until=lambda: desk.read(trading.PAYMENTS_REFUNDED) == 3)
    assert entries(UNTOUCHED) == [(f"card-{UNTOUCHED}", "completed", 1250, 100)]


def test_the_shop_tells_late_news_when_they_are_due() -> None:
    outbox.empty()
    mend()
    switch(faults.LATE_ANSWERS, on=True)
    asked(UNTOUCHED, now=clock.SYSTEM.now() - timedelta(seconds=faults.LATE_S + 1))
    beats: list[str] = []

    class Heart:
        def beat(self, name: str, *, state: str, facts: Mapping[str, object]) -> None:
            beats.append(f"{name} {state}")

    stop = threading.Event()

    def tell() -> None:
        shop._late_news(stop, Heart())
        connection.close()

    teller = threading.Thread(target=tell)
    teller.start()
    end = time.monotonic() + PATIENCE_S
    while not told():
        assert time.monotonic() < end, beats
        time.sleep(0.05)
    stop.set()
    teller.join(PATIENCE_S)
    assert len(told()) == 1
    assert (beats[0], beats[-1]) == ("demo:late-news running", "demo:late-news stopped")
