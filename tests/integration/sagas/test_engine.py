"""The engine on the real database: what is written down, what is done, and how often."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connection, transaction

import sagas
from reliability.kernel.errors import Permanent, Transient
from sagas.domain.history import Kind
from sagas.domain.state import Parked, Status
from sagas.engine.running import Runner
from sagas.engine.working import Worker
from sagas.models import Event, Saga
from sagas.operations import claims, starting
from sagas.queries import verifying
from tests.support.sagas import Shop, claim, due_now, history, raising, run, start, state

pytestmark = pytest.mark.django_db(transaction=True)


def agree() -> None:
    assert list(verifying.differences()) == []


def test_a_saga_is_done(shop: Shop) -> None:
    shop.then("charge", lambda data, key: {"reference": "r1"})
    saga_id = start(shop.order(), data={"amount": 5})
    run()
    assert state(saga_id).status is Status.COMPLETED
    assert state(saga_id).data == {"amount": 5, "reference": "r1"}
    assert shop.calls == ["reserve", "charge", "ship"]
    assert shop.keys == [f"{saga_id}:{step}:do" for step in ("reserve", "charge", "ship")]
    row = Saga.objects.get()
    assert (row.status, row.look_at, row.worker) == ("completed", None, "")
    agree()


def test_the_intent_is_there_before_the_effect(shop: Shop) -> None:
    seen: list[list[str]] = []
    shop.then("charge", lambda data, key: seen.append([event.kind for event in Event.objects.order_by("version")]))
    start(shop.order())
    run()
    assert seen == [[Kind.STARTED, Kind.SUCCEEDED, Kind.ATTEMPTED]]


def test_a_saga_is_undone(shop: Shop) -> None:
    shop.then("charge", raising(Permanent("card refused")))
    saga_id = start(shop.order())
    run()
    assert shop.calls == ["reserve", "charge", "release"]
    assert Saga.objects.get().status == "compensated"
    assert "card refused" in state(saga_id).reason
    agree()


def test_a_saga_does_not_start_with_a_transaction_that_is_rolled_back(shop: Shop) -> None:
    def fail() -> None:
        with transaction.atomic():
            sagas.start(shop.order(), key="o1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert run() == 0
    with pytest.raises(starting.NotInTransaction):
        sagas.start(shop.order(), key="o1")


def test_a_key_starts_one_saga(shop: Shop) -> None:
    assert start(shop.order()) == start(shop.order())
    run()
    assert shop.calls == ["reserve", "charge", "ship"]


@pytest.mark.parametrize("key", ["", "a\x00b", "x" * 201, "a\u202eb", "\ud800"])
def test_what_is_no_key_is_refused(shop: Shop, key: str) -> None:
    with pytest.raises(starting.WrongKey):
        start(shop.order(), key=key)


def test_a_local_step_that_fails_leaves_nothing(shop: Shop) -> None:
    shop.then("reserve", raising(ValueError("bug")), raising(Transient("busy")))
    saga_id = start(shop.order())
    run()
    assert shop.ledger() == [f"{saga_id}:reserve:do"]
    assert [event.data["why"] for event in history(saga_id) if event.kind is Kind.RETRYING] == ["bug", "transient"]
    agree()


def test_a_local_step_that_breaks_its_transaction_is_tried_again(shop: Shop) -> None:
    def break_it(data: Mapping[str, Any], key: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")

    shop.then("reserve", break_it)
    start(shop.order())
    run()
    assert Saga.objects.get().status == "completed"


def test_an_undeclared_error_of_a_call_leaves_it_unknown(shop: Shop) -> None:
    shop.then("charge", raising(TimeoutError("read timed out")))
    saga_id = start(shop.order())
    run()
    assert state(saga_id).parked == Parked.UNKNOWN
    assert "TimeoutError: read timed out" in state(saga_id).reason
    assert shop.calls.count("charge") == 1


def test_a_worker_that_died_in_a_call(shop: Shop) -> None:
    """Its lease ends, another asks what happened, and goes on under the same key."""
    definition = shop.order(probe=shop.work("probe"))
    saga_id = start(definition)

    class Died(BaseException):
        pass

    def die(data: Mapping[str, Any], key: str) -> None:
        raise Died

    shop.then("charge", die)
    claimed = claim()
    assert claimed is not None
    with pytest.raises(Died):
        Runner(claimed).run()
    assert claim() is None, "its lease runs"
    due_now()
    shop.then("probe", lambda data, key: False)
    run()
    due_now()
    run()
    assert state(saga_id).status is Status.COMPLETED
    assert shop.calls == ["reserve", "charge", "probe", "charge", "ship"]
    assert len({key for key in shop.keys if ":charge:" in key}) == 1
    agree()


def stolen(saga_id: object) -> claims.Claim:
    """Somebody takes the worker for dead."""
    due_now()
    claimed = claim()
    assert claimed is not None
    return claimed


def test_a_late_answer_is_kept_and_taken_over(shop: Shop) -> None:
    def slow(data: Mapping[str, Any], key: str) -> dict[str, str]:
        other = stolen(saga_id)
        Runner(other).run()
        return {"reference": "late"}

    shop.then("charge", slow)
    saga_id = start(shop.order())
    run()
    assert [event.kind for event in history(saga_id)].count(Kind.LATE) == 1
    assert state(saga_id).status is Status.COMPLETED
    assert state(saga_id).data["reference"] == "late"
    assert shop.calls == ["reserve", "charge", "ship"]
    agree()


def test_a_late_answer_beside_a_newer_try_loses_neither(shop: Shop) -> None:
    """The first worker's answer comes while the second one tries again: both are written down."""
    answers: list[str] = []

    def first(data: Mapping[str, Any], key: str) -> dict[str, str]:
        shop.then("charge", second)
        other = stolen(saga_id)
        thread = threading.Thread(target=in_thread, args=(other,))
        thread.start()
        begun.wait(10)
        answers.append("first")
        threads.append(thread)
        return {"reference": "first"}

    def second(data: Mapping[str, Any], key: str) -> dict[str, str]:
        begun.set()
        noted.wait(10)
        return {"reference": "second"}

    def in_thread(other: claims.Claim) -> None:
        Runner(other, dice=lambda: 0.0).run()
        connection.close()

    begun, noted = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []
    shop.then("charge", first)
    saga_id = start(shop.order(unknown="repeat"))
    claimed = claim()
    assert claimed is not None
    Runner(claimed).run()
    assert state(saga_id).late == 1
    noted.set()
    threads[0].join(10)
    assert state(saga_id).status is Status.COMPLETED
    assert state(saga_id).data["reference"] == "second"
    agree()


def test_two_workers_never_have_the_same_saga(shop: Shop) -> None:
    start(shop.order())
    first = claim()
    assert first is not None
    assert claim() is None
    due_now()
    second = claim()
    assert second is not None
    assert second.fence == first.fence + 1
    Runner(second).run()
    Runner(first).run()
    assert shop.calls == ["reserve", "charge", "ship"]


def test_many_workers_do_everything_once(shop: Shop) -> None:
    definition = shop.order()
    ids = [start(definition, key=f"o{number}") for number in range(40)]
    workers = [threading.Thread(target=Worker(stay_s=20, slots=3).run) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert Saga.objects.filter(status="completed").count() == 40
    assert shop.ledger() == sorted(f"{saga_id}:reserve:do" for saga_id in ids)
    assert len(shop.calls) == 3 * 40
    agree()


def test_a_connection_that_breaks_costs_no_answer(shop: Shop) -> None:
    def cut(data: Mapping[str, Any], key: str) -> dict[str, str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        other.close()
        return {"reference": "r1"}

    shop.then("charge", cut)
    saga_id = start(shop.order())
    run()
    assert state(saga_id).status is Status.COMPLETED
    assert shop.calls.count("charge") == 1
