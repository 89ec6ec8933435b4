"""A Celery worker on a real Redis whose tasks wait with a breaker: none lost, none doubled, no retry burnt."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from django.conf import settings

from reliability.breakers import task_waits_for
from tests.unit.breakers.fakes import Fleet

QUEUE = "waits-test"


class Shop:
    """A worker in this process, with one task that depends on ``payments``."""

    def __init__(self) -> None:
        self.fleet = Fleet()
        self.done: list[tuple[int, int]] = []
        self.app = Celery("waits", broker=settings.REDIS_URL, set_as_current=False)
        self.app.conf.update(task_default_queue=QUEUE, task_acks_late=True, task_ignore_result=True)

        @self.app.task(name="charge", bind=True, max_retries=0, shared=False)
        @task_waits_for(self.fleet.breaker)
        def charge(task: object, order: int) -> None:
            with self.fleet.breaker:
                self.done.append((order, task.request.retries))  # type: ignore[attr-defined]

        self.task = charge

    def wait(self, count: int, *, within_s: float) -> None:
        until_s = time.monotonic() + within_s
        while len(self.done) < count and time.monotonic() < until_s:
            time.sleep(0.02)


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    with made.app.connection_for_write() as connection:
        connection.default_channel.queue_purge(QUEUE) if _exists(connection) else None
    with start_worker(made.app, pool="solo", perform_ping_check=False, queues=QUEUE):
        yield made


def _exists(connection: object) -> bool:
    return bool(connection.default_channel.client.exists(QUEUE))  # type: ignore[attr-defined]


def test_tasks_wait_while_it_is_open_and_all_run_once_when_it_closes(shop: Shop) -> None:
    shop.fleet.opened(1.0)
    for order in range(12):
        shop.task.delay(order)
    shop.wait(1, within_s=0.8)
    assert shop.done == []
    shop.fleet.closed()
    shop.wait(12, within_s=15)
    assert Counter(shop.done) == Counter({(order, 0): 1 for order in range(12)})


def test_in_half_open_the_permits_bound_what_runs(shop: Shop) -> None:
    shop.fleet.half_open("p1", "p2")
    for order in range(8):
        shop.task.delay(order)
    shop.wait(3, within_s=2.0)
    assert len(shop.done) == 2
    shop.fleet.closed()
    shop.wait(8, within_s=15)
    assert sorted(order for order, _ in shop.done) == list(range(8))
