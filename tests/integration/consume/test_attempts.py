"""How often a message was tried: what its dead letter says, and that every replay is let in."""

from __future__ import annotations

from outbox.consume import Message
from reliability.kernel import wire
from reliability.kernel.clock import ManualClock
from reliability.kernel.errors import Transient
from tests.integration.consume.shop import Shop


def _tick(clock: ManualClock) -> bool:
    clock.advance(0.5)
    return False


def test_a_letter_says_how_often_the_message_was_really_tried(shop: Shop) -> None:
    clock = ManualClock()
    tried: list[int] = []

    def handler(message: Message) -> None:
        tried.append(message.attempt)
        raise Transient("the bank does not answer")

    consumer = shop.consumer(handler, order="none", retries=(5,), blocking_retries=2, time=clock)
    shop.consume(consumer, until=lambda: "orders.payments.dlq" in shop.broker.log.topics)
    shop.write()
    shop.consume(consumer, until=lambda: len(shop.appended()) == 1 or _tick(clock))
    shop.carry(clock)
    clock.advance(6)
    shop.consume(consumer, until=lambda: len(shop.appended()) == 2 or _tick(clock))
    retry, letter = shop.appended()
    assert tried == [1, 1, 1, 4, 4, 4]
    assert (retry.first(wire.ATTEMPT), retry.first(wire.DLQ_ATTEMPTS)) == (b"4", None)
    assert (letter.first(wire.ATTEMPT), letter.first(wire.DLQ_ATTEMPTS)) == (b"4", b"6")


def test_a_replay_goes_on_counting_and_is_admitted_each_time(shop: Shop) -> None:
    """A replay's attempt is one more than its letter's: the inbox lets it in, and the next letter counts on."""
    clock = ManualClock()

    def handler(message: Message) -> None:
        raise Transient("the bank does not answer")

    consumer = shop.consumer(handler, blocking_retries=1, time=clock)
    made: list[bytes] = []
    for given_up in range(1, 4):
        attempt = int(made[-1]) + 1 if made else 1
        shop.write(headers=[(wire.MESSAGE_ID, b"m-1"), (wire.ATTEMPT, b"%d" % attempt)])
        shop.consume(consumer, until=lambda wanted=given_up: len(shop.appended()) == wanted or _tick(clock))
        made.append(shop.appended()[-1].first(wire.DLQ_ATTEMPTS) or b"")
    assert made == [b"2", b"4", b"6"]


def test_an_attempt_that_cannot_be_counted_on_from_is_a_letter_not_a_retry_that_is_passed_over(shop: Shop) -> None:
    def handler(message: Message) -> None:
        raise Transient("the bank does not answer")

    shop.write(headers=[(wire.ATTEMPT, b"1000000")])
    consumer = shop.consumer(handler, order="none", retries=(5,), blocking_retries=0)
    shop.consume(consumer, until=lambda: shop.position() == 1)
    [letter] = shop.appended()
    assert (letter.topic, letter.first(wire.DLQ_ATTEMPTS)) == ("orders.payments.dlq", b"1000000")
