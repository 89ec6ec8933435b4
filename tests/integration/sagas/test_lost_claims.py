"""A crash of the server may take a claim back that had written nothing; its fence is given out once more.

The claim waits for no disk, so these are what makes that safe: who holds a fence that somebody else got again writes
nothing, calls nothing, and puts nothing off.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from sagas.domain.acts import Act, Command
from sagas.domain.history import Kind
from sagas.engine.running import Runner
from sagas.models import Saga
from sagas.operations import acting, claims, journal
from sagas.operations.claims import Claim
from sagas.queries import histories, verifying
from tests.support import actors
from tests.support.sagas import Shop, claim, history, run, start, state

pytestmark = pytest.mark.django_db(transaction=True)


def taken() -> Claim:
    claimed = claim()
    assert claimed is not None
    return claimed


def take_back(lost: Claim) -> None:
    """What the log did not keep when the server died."""
    Saga.objects.filter(id=lost.id).update(fence=lost.fence - 1, worker="", claims=0, look_at=histories.database_now())


def kinds(lost: Claim) -> list[str]:
    return [str(event.kind) for event in history(lost.id)]


def test_an_operator_who_came_in_between_is_not_overruled(shop: Shop) -> None:
    start(shop.order())
    lost = taken()
    take_back(lost)
    acting.act(lost.id, Command(act=Act.COMPENSATE), expected_version=1, actor=actors.actor(), reason="not wanted")
    assert Saga.objects.get().fence == lost.fence, "the number is given out once more"
    Runner(lost).run()
    assert shop.calls == []
    run()
    assert kinds(lost) == ["started", "turned", "compensated"]
    assert list(verifying.differences()) == []


def test_of_two_with_the_same_fence_one_calls(shop: Shop) -> None:
    start(shop.order())
    lost = taken()
    take_back(lost)
    second = taken()
    assert second.fence == lost.fence

    def meanwhile(data: object, key: str) -> None:
        Runner(lost).run()

    shop.then("charge", meanwhile)
    Runner(second).run()
    assert shop.calls == ["reserve", "charge", "ship"]
    assert state(lost.id).status == "completed"
    assert list(verifying.differences()) == []


def test_nothing_is_put_off_for_somebody_else(shop: Shop) -> None:
    start(shop.order())
    lost = taken()
    take_back(lost)
    second = taken()
    later = histories.database_now() + timedelta(hours=1)
    assert not claims.put_off(lost, version=1, look_at=later)
    assert claims.keep([claims.Held(id=lost.id, fence=lost.fence, worker=lost.worker, until=later)], lease_s=99) == 0
    assert not claims.put_off(second, version=0, look_at=later), "the history went on meanwhile"
    assert claims.put_off(second, version=1, look_at=later)


def test_who_loses_the_server_in_a_local_step_leaves_the_other_one_alone(shop: Shop) -> None:
    start(shop.order())
    lost = taken()

    def other_worker() -> None:
        take_back(lost)
        Runner(taken()).run()
        connection.close()

    def crash(data: object, key: str) -> None:
        thread = threading.Thread(target=other_worker)
        thread.start()
        thread.join()
        raise OperationalError("server closed the connection unexpectedly")

    shop.then("reserve", crash)
    Runner(lost).run()
    assert state(lost.id).status == "completed"
    assert "retrying" not in kinds(lost)
    assert len(shop.ledger()) == 1, "what was rolled back is not there"
    assert list(verifying.differences()) == []


def test_an_entry_is_known_again_by_what_it_says_not_by_its_place(shop: Shop) -> None:
    """Else a late answer at the place of an entry that was lost would be taken for it."""
    start(shop.order())
    first = history(taken().id)[0]
    saga_id = Saga.objects.get().id
    assert journal.has(saga_id, 1, first, fence=0)
    for place, entry, fence in ((2, first, 0), (1, first, 1), (1, replace(first, kind=Kind.LATE), 0)):
        assert not journal.has(saga_id, place, entry, fence=fence)
    assert not journal.has(saga_id, 1, replace(first, at=first.at + timedelta(microseconds=1)), fence=0)
