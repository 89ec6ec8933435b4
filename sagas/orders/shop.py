"""The whole shop as the threads of one process: starting an interpreter for each would be slow on a small machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime

import orjson
import structlog

from outbox import consume
from reliability.breakers.guard.around import Breaker
from reliability.kafka import clusters, ports
from reliability.kernel import clock, process
from reliability.kernel.telemetry import tracing
from sagas.orders import desk, handlers, invoicing, operations, queries, trading
from sagas.orders.checkout import INVOICE_ONLY, checkout
from sagas.orders.checkout import prepare as prepare_checkout
from sagas.orders.domain import workload
from sagas.orders.domain.faults import INVOICE, INVOICING_HANG, INVOICING_STOPPED, UNSERVED_COUNTRIES
from sagas.orders.payments import payments

log = structlog.get_logger(__name__)

SEED = 20_260
ORDER_EVERY_S = 1.0
STOP_WITHIN_S = 15.0
LATE_NEWS_EVERY_S = 1.0
TOPIC_PARTITIONS = 3
DESK = (trading.PAYMENTS_ASKED, trading.PAYMENTS_REFUNDED)
SETTLED = (trading.PAYMENTS_SETTLED,)
BUSINESS_EVERY = 4
"""After so many orders comes one by a business customer, which a saga works off."""
SERVED = frozenset(workload.COUNTRIES) - frozenset(UNSERVED_COUNTRIES)


class Shoppers:
    """Places one order a second, and an invoice for each; now and then what a legacy writer sends."""

    def __init__(self, *, started: datetime, every_s: float = ORDER_EVERY_S) -> None:
        self._orders: Iterator[workload.NewOrder] = workload.orders(seed=SEED)
        self._business = (each for each in workload.orders(seed=SEED + 1) if each.country in SERVED)
        self._run = f"{int(started.timestamp()):x}"  # order numbers of two runs of the demo differ
        self._count = 0
        self._invoices = clusters.producer(client_id="demo-billing")

    def step(self) -> bool:
        """Place one order."""
        self._count += 1
        number = f"ord-{self._run}-{self._count}"
        order = _as_checkout_is(next(self._orders))
        # Nobody's browser stands before this shop: what a request would be begins the trace of each order here.
        with tracing.span("shop: place order", attributes={"order.number": number}):
            operations.place_order(order=order, number=number, now=clock.SYSTEM.now())
        if self._count % BUSINESS_EVERY == 0:
            self._place_business_order()
        broken = workload.malformed(number=self._count)
        if broken is not None:
            with tracing.span("legacy writer: send order", attributes={"order.number": number}):
                operations.send_malformed(number=number, value=broken)
        amount = workload.invoice_amount(cents=order.amount_cents, number=self._count)
        self._invoices.produce(
            topic=workload.INVOICES_CREATED,
            key=number.encode(),
            value=orjson.dumps({"invoice": f"inv-{number}", "amount": amount, "currency": order.currency}),
        )
        self._invoices.poll(0.0)
        return False

    def _place_business_order(self) -> None:
        number = f"biz-{self._run}-{self._count // BUSINESS_EVERY}"
        order = next(self._business)
        with tracing.span("shop: place business order", attributes={"order.number": number}):
            operations.place_business_order(order=order, number=number, now=clock.SYSTEM.now())

    def close(self) -> None:
        """Send what is not sent yet."""
        self._invoices.close()


def _as_checkout_is(order: workload.NewOrder) -> workload.NewOrder:
    """The order as checkout takes it now."""
    return replace(order, provider=INVOICE) if checkout.level >= INVOICE_ONLY else order


def prepare() -> None:
    """Know what may be degraded, and create the shop's topics; a broker that makes them itself is fine too."""
    prepare_checkout(now=clock.SYSTEM.now())
    topics = (
        operations.ORDERS_PLACED,
        operations.PAYMENTS_CAPTURED,
        operations.STOCK_RESERVED,
        trading.PAYMENTS_ASKED,
        trading.PAYMENTS_REFUNDED,
        trading.PAYMENTS_SETTLED,
        workload.INVOICES_CREATED,
        invoicing.DEAD_LETTERS,
    )
    try:
        errors = clusters.admin().create_topics(dict.fromkeys(topics, TOPIC_PARTITIONS))
    except ports.Unsupported as unsupported:
        log.info("topics_are_made_when_first_written", reason=str(unsupported))
        return
    for topic, error in errors.items():
        if error is not None:
            log.warning("topic_not_created", topic=topic, error=error.message)


def run(*, stop: threading.Event, heartbeat: process.Heartbeat, every_s: float = ORDER_EVERY_S) -> None:
    """Run every service until ``stop`` is set, then let each finish what it holds."""
    services: list[Callable[[], None]] = [
        lambda: _services_of_ours(
            "payments", [operations.ORDERS_PLACED], handlers.on_order_placed, stop, heartbeat, breakers=[payments]
        ),
        lambda: _services_of_ours(
            "stock", [operations.PAYMENTS_CAPTURED], handlers.on_payment_captured, stop, heartbeat
        ),
        lambda: _services_of_ours("shipping", [operations.STOCK_RESERVED], handlers.on_stock_reserved, stop, heartbeat),
        lambda: _services_of_ours("payment-desk", DESK, handlers.at_payment_desk, stop, heartbeat),
        lambda: _services_of_ours("order-sagas", SETTLED, handlers.on_payment_settled, stop, heartbeat),
        lambda: _late_news(stop, heartbeat),
        lambda: _invoicing(stop, heartbeat),
        lambda: _shoppers(stop, heartbeat, every_s),
    ]
    threads = [threading.Thread(target=service, name=f"shop-{index}") for index, service in enumerate(services)]
    for thread in threads:
        thread.start()
    stop.wait()
    for thread in threads:
        thread.join(STOP_WITHIN_S)


def _services_of_ours(
    group: str,
    topics: Sequence[str],
    handler: Callable[[handlers.Message], None],
    stop: threading.Event,
    heartbeat: process.Heartbeat,
    *,
    breakers: Sequence[Breaker] = (),
) -> None:
    consumer = consume.Consumer(group=group, topics=topics, handler=handler, blocking_retries=2, breakers=breakers)
    consumer.run(stop, heartbeat=heartbeat)


def _late_news(stop: threading.Event, heartbeat: process.Heartbeat) -> None:
    def step() -> bool:
        return desk.tell_late_news(now=clock.SYSTEM.now()) == desk.TOLD_AT_ONCE_MAX

    process.run(step, name="demo:late-news", heartbeat=heartbeat, stop=stop, idle_s=LATE_NEWS_EVERY_S)


def _invoicing(stop: threading.Event, heartbeat: process.Heartbeat) -> None:
    service = invoicing.Invoicing(
        join=lambda: clusters.consumer(group=invoicing.GROUP, client_id="demo-invoicing"),
        producer=clusters.producer(client_id="demo-invoicing"),
        broken=lambda: queries.is_on("invoicing_bug"),
        hangs=lambda: queries.is_on(INVOICING_HANG),
        stopped=lambda: queries.is_on(INVOICING_STOPPED),
        work=stop.wait,
    )
    with closing(service):
        process.run(service.step, name="demo:invoicing", heartbeat=heartbeat, stop=stop, idle_s=0.0)


def _shoppers(stop: threading.Event, heartbeat: process.Heartbeat, every_s: float) -> None:
    with closing(Shoppers(started=clock.SYSTEM.now())) as shoppers:
        process.run(shoppers.step, name="demo:shoppers", heartbeat=heartbeat, stop=stop, idle_s=every_s)
