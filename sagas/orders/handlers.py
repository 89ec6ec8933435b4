"""What the shop's services do with a message: parse it, call one operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

import orjson

from reliability.kernel import clock
from reliability.kernel.record import Record
from sagas.orders import desk, operations, trading
from sagas.orders.domain.faults import MalformedEvent


class Message(Protocol):
    """The part of ``outbox.consume.Message`` that the shop reads."""

    @property
    def record(self) -> Record: ...

    @property
    def topic(self) -> str: ...


class Step(Protocol):
    """One of the shop's operations on an event."""

    def __call__(self, *, event: Mapping[str, object], now: datetime) -> None: ...


def _handler(step: Step) -> Callable[[Message], None]:
    def handle(message: Message) -> None:
        step(event=parse(message.record.value), now=clock.SYSTEM.now())

    return handle


def parse(value: bytes | None) -> dict[str, object]:
    """Return the event in a record's value; raise ``MalformedEvent`` when it is none."""
    try:
        event = orjson.loads(value or b"")
    except orjson.JSONDecodeError as error:
        raise MalformedEvent(f"not JSON: {error}") from error
    if not isinstance(event, dict):
        raise MalformedEvent("not a JSON object")
    return event


on_order_placed = _handler(operations.capture_payment)
on_payment_captured = _handler(operations.reserve_stock)
on_stock_reserved = _handler(operations.ship)
on_payment_settled = _handler(operations.tell_saga)
_AT_THE_DESK = {
    trading.PAYMENTS_ASKED: _handler(desk.take_payment),
    trading.PAYMENTS_REFUNDED: _handler(desk.refund_payment),
}


def at_payment_desk(message: Message) -> None:
    """Take a payment or give it back, as the message's topic says."""
    _AT_THE_DESK[message.topic](message)
