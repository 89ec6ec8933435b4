"""Celery tasks that wait with a breaker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import Celery
from celery.app.task import Task
from celery.app.trace import build_tracer
from celery.exceptions import Ignore, Reject
from kombu.exceptions import OperationalError

from reliability.breakers import BreakerOpen, task_waits_for
from tests.unit.breakers.fakes import Fleet

Send = Callable[[], Any]


class Shop:
    """A task of a worker that depends on ``payments``, and the queue that it comes from."""

    def __init__(self) -> None:
        self.fleet = Fleet()
        self.app = Celery("shop", broker="memory://", set_as_current=False)
        self.done: list[int] = []
        self.body: Callable[[], None] = lambda: None
        self.takes_s = 0.0

        @self.app.task(name="charge", bind=True, max_retries=0, shared=False)
        @task_waits_for(self.fleet.breaker, longest_s=60.0, random=lambda: 0.5)
        def charge(task: object, order: int) -> str:
            time.sleep(self.takes_s)
            self.body()
            self.done.append(order)
            return "charged"

        self.task = charge

    def receive(self, order: int, *, retries: int = 2) -> Any:
        """Run the task as a worker does that has taken it from its queue; return what it returned or raised."""
        request = {"id": "t-1", "args": (order,), "kwargs": {}, "retries": retries, "is_eager": False, "root_id": "t-1"}
        request["delivery_info"] = {"exchange": "", "routing_key": "bulk"}
        trace = build_tracer("charge", self.task, app=self.app)
        found = trace("t-1", (order,), {}, request)
        return found.info.retval if found.info is not None else found.retval

    def sent(self) -> list[dict[str, Any]]:
        """Return the headers of what is in the queue now, each with its arguments."""
        found = []
        with self.app.connection_for_read() as connection, connection.SimpleQueue("bulk") as queue:
            while queue.qsize():
                message = queue.get_nowait()
                message.ack()
                found.append({**message.headers, "args": message.decode()[0]})
        return found


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    made.sent()
    yield made
    made.app.close()


def test_it_runs_while_its_breaker_is_closed(shop: Shop) -> None:
    assert shop.receive(7) == "charged"
    assert (shop.done, shop.sent()) == ([7], [])


def test_while_it_is_open_it_is_sent_again_for_later_and_no_retry_is_burnt(shop: Shop) -> None:
    shop.fleet.opened(10.0)
    assert isinstance(shop.receive(7, retries=2), Ignore)
    [again] = shop.sent()
    assert shop.done == []
    assert (again["id"], again["args"], again["retries"]) == ("t-1", [7], 2)
    assert again["eta"] is not None


def test_the_wait_is_what_the_breaker_says_and_some_more_and_bounded(shop: Shop, monkeypatch: Any) -> None:
    waits: list[float] = []
    real = shop.task.signature_from_request

    def noting(*args: Any, **options: Any) -> Any:
        waits.append(options["countdown"])
        return real(*args, **options)

    monkeypatch.setattr(shop.task, "signature_from_request", noting)
    for for_s in (10.0, 0.1, 500.0):
        shop.fleet.opened(for_s)
        time.sleep(0.26)  # the gate is looked at again
        assert isinstance(shop.receive(7), Ignore)
        if for_s == 0.1:
            shop.fleet.full()
    assert waits[0] == pytest.approx(10 + 0.5 * 5, abs=0.6)
    assert waits[1] < 2.0
    assert waits[2] == 60.0


def test_a_call_that_is_refused_within_the_task_is_no_retry_either(shop: Shop) -> None:
    def body() -> None:
        raise BreakerOpen("stock", 3.0, "it is open")

    shop.body = body
    assert isinstance(shop.receive(7, retries=1), Ignore)
    assert [each["retries"] for each in shop.sent()] == [1]


def test_in_half_open_so_many_run_as_there_are_permits(shop: Shop) -> None:
    def body() -> None:
        with shop.fleet.breaker:
            pass

    shop.body = body
    shop.fleet.half_open("p")
    assert shop.receive(1) == "charged"
    assert isinstance(shop.receive(2), Ignore)
    assert shop.done == [1]


def test_a_ramp_gives_it_a_share_of_the_time(shop: Shop) -> None:
    shop.fleet.recovering()
    shop.takes_s = 0.05
    outcomes, until_s = [], time.monotonic() + 1.5
    while time.monotonic() < until_s:
        outcomes.append(shop.receive(len(outcomes)))
        time.sleep(0.005)
    assert 2 <= outcomes.count("charged") <= 4, "0.05 s of work, then 0.45 s of rest"


def test_what_nobody_takes_again_stays_in_its_queue(shop: Shop, monkeypatch: Any) -> None:
    def away(*args: Any, **options: Any) -> None:
        raise OperationalError("Redis is away")

    monkeypatch.setattr(Task, "apply_async", away)
    shop.fleet.opened()
    refused = shop.receive(7)
    assert isinstance(refused, Reject)
    assert refused.requeue


def test_called_directly_or_eagerly_it_tells_its_caller(shop: Shop) -> None:
    shop.fleet.opened()
    with pytest.raises(BreakerOpen):
        shop.task(7)
    with pytest.raises(BreakerOpen):
        shop.task.apply((7,), throw=True)
    assert (shop.done, shop.sent()) == ([], [])


def test_another_error_is_the_tasks_own(shop: Shop) -> None:
    def body() -> None:
        raise ValueError("no such order")

    shop.body = body
    assert isinstance(shop.receive(7), ValueError)
    assert shop.sent() == []
