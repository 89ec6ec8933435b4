"""Celery's wake-ups: they find what is due, one run in a process at a time; a lost one is no harm."""

from __future__ import annotations

import threading
import time

import pytest
from kombu.exceptions import OperationalError

from sagas import definitions, tasks
from sagas.domain.state import Status
from sagas.models import Saga
from sagas.operations import waking
from sagas.queries import histories, lists
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
        assert name == "sagas.run"
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
