"""Celery's wake-ups: they find what is due, one run in a process at a time; a lost one is no harm."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import OperationalError as OperationalDatabaseError
from kombu.exceptions import OperationalError

from reliability.access import Role
from sagas import definitions, tasks
from sagas.domain.state import Status
from sagas.models import Batch, BatchItem, Saga
from sagas.operations import waking
from sagas.operations.batches import planning
from sagas.queries import histories, lists
from tests.support import actors
from tests.support.batches import begin, plan, stuck
from tests.support.sagas import Shop, start, state

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_wake_up_goes_on_with_all_that_is_due(shop: Shop) -> None:
    definition = shop.order()
    ids = [start(definition, key=f"o{number}") for number in range(5)]
    tasks.run()
    assert {state(saga_id).status for saga_id in ids} == {Status.COMPLETED}


def test_one_run_in_a_process_at_a_time(shop: Shop) -> None:
    inside, over = threading.Event(), threading.Event()

    def wait(data: object, key: str) -> None:
        inside.set()
        over.wait(10)

    shop.then("charge", wait)
    start(shop.order())
    first = threading.Thread(target=tasks.run)
    first.start()
    assert inside.wait(10)
    began = time.monotonic()
    tasks.run()
    assert time.monotonic() - began < 5
    over.set()
    first.join(20)
    assert shop.calls == ["reserve", "charge", "ship"]


def test_a_start_sends_a_wake_up_and_a_lost_one_is_no_harm(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = threading.Event()

    def refuse(name: str, **options: object) -> None:
        if name != "sagas.run":  # another wake-up, of a test before
            return
        sent.set()
        raise OperationalError("no Redis")

    monkeypatch.setattr(waking.current_app, "send_task", refuse)
    start(shop.order())
    assert sent.wait(10)
    tasks.run()
    assert Saga.objects.get().status == "completed"


def test_the_sweep_puts_off_what_nobody_here_has_the_code_of(shop: Shop) -> None:
    start(shop.order())
    definitions.forget("order", 1)
    Saga.objects.update(look_at=histories.database_now() - shop.MINUTE)
    tasks.sweep()
    row = Saga.objects.get()
    assert row.look_at is not None
    assert row.look_at > histories.database_now()
    Saga.objects.update(due_at=histories.database_now() - shop.MINUTE)
    now = histories.database_now()
    assert lists.counts(now=now).untaken == 1, "it is put off, and still nobody takes it"
    (listed,) = lists.page(lists.Filter(state=lists.STUCK), now=now).rows
    assert listed.standing.why == "No worker has the code of this definition's version."


def test_batches_are_worked_off_an_item_of_each_in_turn(shop: Shop) -> None:
    actors.account(Role.OPERATOR)
    first, second = (plan(ids=stuck(shop, 2, prefix=prefix)) for prefix in ("a", "b"))
    for batch in (first, second):
        begin(batch)
    tasks.work_batches()
    assert set(Batch.objects.values_list("state", flat=True)) == {"done"}
    order = BatchItem.objects.order_by("at").values_list("batch", flat=True)
    assert list(order) == [first.id, second.id, first.id, second.id]


def test_a_batch_that_takes_longer_than_a_stay_wakes_the_next_one(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    actors.account(Role.OPERATOR)
    batch = plan(ids=stuck(shop, 2))
    begin(batch)
    woken = []
    monkeypatch.setattr(tasks, "STAY_S", 0.0)
    monkeypatch.setattr(waking, "wake_for_batches", lambda: woken.append(True))
    tasks.work_batches()
    assert (woken, Batch.objects.get().state) == ([True], "running")


def test_without_the_database_a_batch_waits(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options: object) -> None:
        raise OperationalDatabaseError("the server closed the connection")

    monkeypatch.setattr(tasks.batch_queries, "running", refuse)
    tasks.work_batches()
    assert tasks._working.acquire(blocking=False), "the next task may work"
    tasks._working.release()


def test_the_sweep_forgets_plans_that_nobody_started(shop: Shop) -> None:
    old, kept = plan(ids=stuck(shop, 1)), plan(ids=[])
    Batch.objects.filter(id=old.id).update(created_at=kept.created_at - 2 * planning.KEPT_UNSTARTED)
    tasks.sweep()
    assert list(Batch.objects.values_list("id", flat=True)) == [kept.id]
