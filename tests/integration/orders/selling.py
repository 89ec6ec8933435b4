"""Orders, requests to the payment desk, and what was told, for the shop's tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

from django.db import connection, transaction

from outbox.models import Event
from reliability.kernel import clock
from sagas.orders import desk, models, operations, trading
from sagas.orders.domain import faults, workload
from sagas.orders.domain.states import OrderState
from sagas.orders.handlers import parse
from tests.support import actors

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LOST, TWICE, OTHER, TIMEOUT, DECLINED = "biz-1-10", "biz-1-3", "biz-1-4", "biz-1-7", "biz-1-9"
"""Business orders that a fault of the desk hits while it is on."""
UNTOUCHED = "biz-1-1"


def mend() -> None:
    """Switch every fault off."""
    off = [models.FaultSwitch(name=name, on=False) for name in faults.FAULTS]
    models.FaultSwitch.objects.bulk_create(off, update_conflicts=True, unique_fields=["name"], update_fields=["on"])


def switch(name: str, *, on: bool) -> None:
    operations.switch(name=name, on=on, actor=actors.actor(), now=clock.SYSTEM.now())


def new_order(*, sku: str = "mug-blue") -> workload.NewOrder:
    return workload.NewOrder(sku=sku, amount_cents=1250, currency="EUR", provider="card", country="DE")


def order(number: str, *, state: OrderState = OrderState.PENDING) -> models.Order:
    """A stored order of which nobody was told."""
    fields: dict[str, Any] = {**new_order().facts(), "state": state}
    return models.Order.objects.create(number=number, placed_at=NOW, state_changed_at=NOW, **fields)


def asked(number: str, *, now: datetime = NOW, **fields: object) -> None:
    """The desk is asked for 12.50."""
    event = {"order_id": number, "amount_cents": 1250, "provider": "card", "key": "s:ask_payment:do", **fields}
    with transaction.atomic():
        desk.take_payment(event=event, now=now)


def asked_back(number: str, *, key: str = "s:ask_payment:undo", now: datetime = NOW, **fields: object) -> None:
    """The desk is asked to give back."""
    with transaction.atomic():
        desk.refund_payment(event={"order_id": number, "key": key, **fields}, now=now)


def told(topic: str = trading.PAYMENTS_SETTLED) -> list[dict[str, object]]:
    """The events in the outbox, in order."""
    return [parse(bytes(event.value)) for event in Event.objects.filter(topic=topic).order_by("id")]


def entries(number: str) -> list[tuple[str, str, int, int]]:
    """The ledger of an order: reference, state, amount, given back."""
    found = models.Payment.objects.filter(order_number=number).order_by("id")
    return list(found.values_list("reference", "state", "amount_cents", "refunded_cents"))


def state_of(number: str) -> str:
    return models.Order.objects.get(number=number).state


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Do all of them at the same moment, each on a connection of its own; return what each returned."""
    together = Barrier(len(works), timeout=20)

    def one(work: Callable[[], Any]) -> Any:
        try:
            together.wait()
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(one, works))


def deliver(services: Mapping[str, Callable[..., None]], *, seen: set[int]) -> int:
    """Give every event that is not among ``seen`` to the service that reads its topic, until there is none."""
    count = 0
    while True:
        fresh = [event for event in Event.objects.order_by("id") if event.pk not in seen and event.topic in services]
        if not fresh:
            return count
        for event in fresh:
            seen.add(event.pk)
            with transaction.atomic():
                services[event.topic](event=parse(bytes(event.value)), now=clock.SYSTEM.now())
            count += 1
