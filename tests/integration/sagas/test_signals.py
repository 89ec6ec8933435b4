"""Events that sagas wait for: early, late, twice, at once, for nobody."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

import sagas
from sagas.domain.definition import Definition
from sagas.domain.state import Parked, Status
from sagas.models import Saga, Signal
from sagas.operations import signals
from sagas.operations.signals import Told
from tests.support.sagas import Shop, run, start, state

pytestmark = pytest.mark.django_db(transaction=True)


def paying(shop: Shop, **wait: object) -> Definition:
    return sagas.saga(
        "order",
        steps=[
            sagas.step("reserve", do=shop.work("reserve"), undo=shop.work("release")),
            sagas.wait("paid", event="payment.settled", **({"deadline": sagas.minutes(5)} | wait)),  # type: ignore[arg-type]
            sagas.step("ship", do=shop.work("ship")),
        ],
    )


def tell(key: str = "o1", event_id: str = "e1", payload: object = None) -> Told:
    with transaction.atomic():
        return sagas.tell("order", key=key, event="payment.settled", event_id=event_id, payload=payload)


def test_it_comes_while_it_is_waited_for(shop: Shop) -> None:
    saga_id = start(paying(shop))
    run()
    assert Saga.objects.get().waits_for == "payment.settled"
    assert tell(payload={"amount": 5}) is Told.TAKEN
    run()
    assert state(saga_id).data == {"paid": {"amount": 5}}
    assert state(saga_id).status is Status.COMPLETED


def test_it_comes_before_it_is_waited_for(shop: Shop) -> None:
    definition = paying(shop)
    assert tell(payload=1) is Told.KEPT
    saga_id = start(definition)
    run()
    assert state(saga_id).status is Status.COMPLETED
    assert Signal.objects.get().taken_at is not None


def test_twice_is_once(shop: Shop) -> None:
    start(paying(shop))
    run()
    assert [tell(), tell()] == [Told.TAKEN, Told.TWICE]
    run()
    assert shop.calls == ["reserve", "ship"]


def test_for_nobody_it_is_kept(shop: Shop) -> None:
    assert tell("nobody") is Told.KEPT
    assert Signal.objects.get().taken_at is None


def test_it_comes_after_its_deadline(shop: Shop) -> None:
    saga_id = start(paying(shop, deadline=sagas.seconds(0.001), late="person"))
    run()
    assert state(saga_id).parked == Parked.EVENT_MISSING
    assert tell() is Told.TAKEN
    run()
    assert state(saga_id).status is Status.COMPLETED


def test_its_absence_undoes(shop: Shop) -> None:
    saga_id = start(paying(shop, deadline=sagas.seconds(0.001)))
    run()
    assert shop.calls == ["reserve", "release"]
    assert tell() is Told.KEPT
    assert state(saga_id).status is Status.COMPENSATED


def test_it_comes_at_the_moment_the_wait_begins(shop: Shop) -> None:
    """Many rounds of both at once: whoever is first, the event is taken and the saga goes on."""
    definition = paying(shop)
    for number in range(15):
        start(definition, key=f"o{number}")
    told: list[Told] = []

    def teller() -> None:
        for number in range(15):
            told.append(tell(f"o{number}"))
        connection.close()

    thread = threading.Thread(target=teller)
    thread.start()
    run()
    thread.join()
    run()
    assert Saga.objects.filter(status="completed").count() == 15
    assert shop.calls.count("ship") == 15


def test_two_tell_it_at_once(shop: Shop) -> None:
    start(paying(shop))
    run()
    told: list[Told] = []
    both = threading.Barrier(2)

    def teller() -> None:
        both.wait()
        told.append(tell())
        connection.close()

    threads = [threading.Thread(target=teller) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [Told.TAKEN, Told.TWICE]


@pytest.mark.parametrize(
    ("event", "event_id", "key"), [("", "e", "k"), ("e", "", "k"), ("e", "a\x00", "k"), ("e", "e", "\x00")]
)
def test_what_is_no_event_is_refused(shop: Shop, event: str, event_id: str, key: str) -> None:
    with pytest.raises(signals.WrongSignal), transaction.atomic():
        sagas.tell("order", key=key, event=event, event_id=event_id)


def test_outside_of_a_transaction_it_is_refused(shop: Shop) -> None:
    with pytest.raises(signals.NotInTransaction):
        sagas.tell("order", key="o1", event="e", event_id="e1")


def test_a_megabyte_and_every_character(shop: Shop) -> None:
    saga_id = start(paying(shop))
    run()
    tell(payload={"text": "x" * 1_000_000, "odd": "a\x00b"})
    assert state(saga_id).data["paid"]["odd"] == "a\x00b"
