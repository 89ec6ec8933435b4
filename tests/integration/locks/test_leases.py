"""Leases: one owner at a time, on the database's clock, with a fence that only grows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now

from reliability.locks import operations as locks
from reliability.locks.models import LeaseRow

pytestmark = pytest.mark.django_db(transaction=True)

LONG_S = 60.0
SHORT_S = 0.5
RACERS = 6


@pytest.fixture
def elsewhere() -> Iterator[Callable]:
    """Runs a function in another thread, so on another connection, and returns its result."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda function, **values: pool.submit(function, **values).result(10)
        pool.submit(lambda: connection.close()).result(10)  # asked for in that thread, so its own


def expire() -> None:
    """As if the owner had been stopped (SIGSTOP) for longer than its lease."""
    LeaseRow.objects.update(until=Now() - timedelta(seconds=1))


def outwait() -> None:
    """The same, but really waiting."""
    time.sleep(SHORT_S * 1.2)


def test_a_lease_has_one_owner(elsewhere: Callable) -> None:
    mine = locks.acquire(name="sweep", owner="a", ttl_s=LONG_S)

    assert mine is not None
    assert elsewhere(locks.acquire, name="sweep", owner="b", ttl_s=LONG_S) is None
    assert elsewhere(locks.acquire, name="other", owner="b", ttl_s=LONG_S) is not None


def test_ones_own_lease_is_not_taken_twice() -> None:
    assert locks.acquire(name="sweep", owner="a", ttl_s=LONG_S)
    assert locks.acquire(name="sweep", owner="a", ttl_s=LONG_S) is None


def test_of_many_at_once_one_gets_it() -> None:
    start = threading.Barrier(RACERS)

    def race(number: int) -> locks.Lease | None:
        start.wait(10)
        try:
            return locks.acquire(name="sweep", owner=str(number), ttl_s=LONG_S)
        finally:
            connection.close()

    with ThreadPoolExecutor(RACERS) as pool:
        taken = [lease for lease in pool.map(race, range(RACERS)) if lease]

    assert len(taken) == 1
    assert LeaseRow.objects.get().owner == taken[0].owner


def test_an_expired_lease_goes_to_the_next_with_a_higher_fence(elsewhere: Callable) -> None:
    first = locks.acquire(name="sweep", owner="a", ttl_s=SHORT_S)
    outwait()
    second = elsewhere(locks.acquire, name="sweep", owner="b", ttl_s=LONG_S)

    assert second is not None
    assert second.fence > first.fence
    assert second.until > first.until


def test_the_fence_grows_with_every_owner_also_after_a_release() -> None:
    fences = []
    for owner in ("a", "b", "a"):
        lease = locks.acquire(name="sweep", owner=owner, ttl_s=LONG_S)
        fences.append(lease.fence)
        assert locks.release(lease=lease)

    assert fences == [1, 2, 3]


def test_a_renewal_keeps_the_lease_and_its_fence(elsewhere: Callable) -> None:
    lease = locks.acquire(name="sweep", owner="a", ttl_s=SHORT_S)
    renewed = locks.renew(lease=lease, ttl_s=LONG_S)
    outwait()

    assert renewed.fence == lease.fence
    assert renewed.until > lease.until
    assert elsewhere(locks.acquire, name="sweep", owner="b", ttl_s=LONG_S) is None


def test_who_slept_too_long_has_lost_it_even_if_nobody_took_it() -> None:
    lease = locks.acquire(name="sweep", owner="a", ttl_s=LONG_S)
    expire()

    with pytest.raises(locks.LeaseLost, match="sweep"):
        locks.renew(lease=lease, ttl_s=LONG_S)
    assert not locks.release(lease=lease)


def test_who_wakes_up_late_cannot_touch_the_next_owners_lease(elsewhere: Callable) -> None:
    late = locks.acquire(name="sweep", owner="a", ttl_s=LONG_S)
    expire()
    current = elsewhere(locks.acquire, name="sweep", owner="a", ttl_s=LONG_S)  # even under the same name

    with pytest.raises(locks.LeaseLost):
        locks.renew(lease=late, ttl_s=LONG_S)
    assert not locks.release(lease=late)
    assert elsewhere(locks.renew, lease=current, ttl_s=LONG_S).fence == current.fence


def test_work_that_holds_the_lease_cannot_be_overtaken_before_it_commits(elsewhere: Callable) -> None:
    lease = locks.acquire(name="sweep", owner="a", ttl_s=SHORT_S)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            locks.hold(lease=lease)
            outwait()
            waiting = pool.submit(elsewhere, locks.acquire, name="sweep", owner="b", ttl_s=LONG_S)
            time.sleep(0.2)
            assert not waiting.done()
        assert waiting.result(10).fence == lease.fence + 1


def test_work_without_the_lease_does_not_start(elsewhere: Callable) -> None:
    lease = locks.acquire(name="sweep", owner="a", ttl_s=LONG_S)
    expire()
    elsewhere(locks.acquire, name="sweep", owner="b", ttl_s=LONG_S)

    with pytest.raises(locks.LeaseLost), transaction.atomic():
        locks.hold(lease=lease)


def test_around_a_block_the_lease_is_given_up_after_it_even_after_an_error(elsewhere: Callable) -> None:
    with locks.lease(name="sweep", ttl_s=LONG_S) as held:
        assert (held.fence, held.lost) == (1, False)
        with pytest.raises(locks.LeaseTaken, match="Somebody else"), locks.lease(name="sweep", ttl_s=LONG_S):
            pytest.fail("two owners")
    with pytest.raises(ZeroDivisionError), locks.lease(name="sweep", ttl_s=LONG_S):
        raise ZeroDivisionError

    assert elsewhere(locks.acquire, name="sweep", owner="b", ttl_s=LONG_S).fence == 3


def test_a_block_that_took_too_long_can_see_that_it_lost_the_lease(elsewhere: Callable) -> None:
    with locks.lease(name="sweep", ttl_s=LONG_S) as held:
        held.renew(ttl_s=LONG_S)
        expire()
        taken = elsewhere(locks.acquire, name="sweep", owner="b", ttl_s=LONG_S)
        assert held.lost
        with pytest.raises(locks.LeaseLost):
            held.renew(ttl_s=LONG_S)

    assert elsewhere(locks.renew, lease=taken, ttl_s=LONG_S)  # the end of the block did not give up another's lease


def test_the_machines_own_clock_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    lease = locks.acquire(name="sweep", owner="a", ttl_s=LONG_S)
    monkeypatch.setattr("time.time", lambda: 0.0)

    assert locks.renew(lease=lease, ttl_s=LONG_S).until > lease.until


@pytest.mark.parametrize("ttl_s", [0, -1])
def test_a_lease_without_a_life_is_refused(ttl_s: float) -> None:
    with pytest.raises(ValueError, match="longer"):
        locks.acquire(name="sweep", owner="a", ttl_s=ttl_s)


def test_a_name_that_is_too_long_is_refused_by_the_table() -> None:
    with pytest.raises(DatabaseError):
        locks.acquire(name="n" * 201, owner="a", ttl_s=LONG_S)
