"""What Redis knows for a while only is written down once, whatever happens to it or to who writes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reliability.breakers import connection, tasks
from reliability.breakers.domain.evidence import Counts
from reliability.breakers.domain.machine import Override, State
from reliability.breakers.domain.rules import Rules
from reliability.breakers.models import Breaker, Traffic, Transition
from reliability.breakers.operations import recording
from reliability.breakers.queries import history
from reliability.breakers.recorder.recording import step
from reliability.breakers.stores import reading
from reliability.breakers.stores.fleet import Fleet
from reliability.breakers.stores.port import Told, Unreachable
from reliability.breakers.stores.shared import RedisStore
from reliability.kernel.clock import SYSTEM
from tests.support.network import refusing_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clean_redis")]

RULES = Rules(jitter=0.0, window_s=60)


@pytest.fixture
def fleet() -> Fleet:
    store = RedisStore()
    store.beat(
        "p1", '{"host": "a", "pid": 7, "service": "shop", "gens": {"payments": 1}}', {"payments": RULES.as_json()}
    )
    return Fleet(store, dice=lambda: 0.5)


def fail(fleet: Fleet, times: int = 20, *, gen: int = 1, name: str = "payments") -> None:
    counts = Counts(calls=times, failed=times, row=times, rejected=3, took={40: times})
    fleet.tell("a", [Told(name=name, gen=gen, window_s=60, counts=counts)], {name: RULES})


def record() -> int:
    return step(now=SYSTEM.now())


def test_a_generation_is_written_down_once_with_its_reason(fleet: Fleet) -> None:
    fail(fleet)
    assert [record(), record()] == [1, 0]
    row = Transition.objects.get()
    assert (row.breaker, row.gen, row.before, row.after) == ("payments", 2, State.CLOSED, State.OPEN)
    assert row.reason == "20 of 20 calls failed, 50 % are borne"
    assert row.open_until is not None
    assert (row.open_until - row.at).total_seconds() == pytest.approx(15, abs=0.1)
    breaker = Breaker.objects.get()
    assert (breaker.state, breaker.gen, breaker.moved_at) == (State.OPEN, 2, row.at)
    assert Rules().with_changes(breaker.declared) == RULES
    (kept,) = history.last_known(["payments"]).values()
    assert kept == fleet.read(["payments"])["payments"].breaker


def test_overrides_are_generations_too(fleet: Fleet) -> None:
    now = fleet.read(["payments"])["payments"].now
    fleet.lay_over("payments", Override.FORCED_OPEN, until=now + 60, gen=1)
    record()
    assert Transition.objects.get().override == Override.FORCED_OPEN


def test_after_the_store_lost_its_log_the_new_one_is_read_from_its_beginning(fleet: Fleet) -> None:
    fail(fleet)
    record()
    client = connection.client()
    client.delete(*client.keys("{mainstay.breakers}*"))
    client.xadd(connection.LOG, {"name": "x"}, id="1-1")
    assert record() == 0
    fail(fleet)
    entries = client.xrange(connection.LOG)
    assert len(entries or []) == 2
    assert record() == 1
    assert Transition.objects.count() == 2


def test_a_breaker_that_nobody_declared_is_known_once_it_moves(fleet: Fleet) -> None:
    fail(fleet, name="mail")
    record()
    assert set(Breaker.objects.values_list("name", "state")) == {("mail", State.OPEN), ("payments", State.CLOSED)}


def test_traffic_is_written_down_by_ten_seconds(fleet: Fleet) -> None:
    fail(fleet)
    now = SYSTEM.now()
    (part,) = reading.traffic(["payments"], [int(now.timestamp()), int(now.timestamp()) - 10])["payments"]
    assert (part.calls, part.failed, part.rejected, part.took) == (20, 20, 3, {40: 20})
    assert record() == 1
    assert not Traffic.objects.exists(), "its ten seconds are not over"
    step(now=now + timedelta(seconds=14))
    step(now=now + timedelta(seconds=15))
    row = Traffic.objects.get()
    assert (row.calls, row.failed, row.slow, row.rejected, row.took) == (20, 20, 0, 3, {"40": 20})
    assert row.at.timestamp() == part.at


def test_old_history_is_deleted(fleet: Fleet) -> None:
    fail(fleet)
    now = SYSTEM.now()
    record()
    step(now=now + timedelta(seconds=15))
    recording.forget(now=now + timedelta(days=6))
    assert (Traffic.objects.count(), Transition.objects.count()) == (1, 1)
    recording.forget(now=now + timedelta(days=8))
    assert (Traffic.objects.count(), Transition.objects.count()) == (0, 1)
    recording.forget(now=now + timedelta(days=91))
    assert Transition.objects.count() == 0


def test_processes_say_that_they_live(fleet: Fleet) -> None:
    fleet.store.beat("p2", "nonsense", {})
    (process,) = reading.processes()
    assert (process.host, process.pid, process.service, process.generations) == ("a", 7, "shop", {"payments": 1})
    late = RedisStore(ahead_s=31)
    late.beat("p3", '{"host": "b", "pid": 8, "gens": {}}', {})
    assert [each.id for each in reading.processes()] == ["p3"]


def test_without_redis_nothing_is_written_and_the_task_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    away = connection.client(f"redis://127.0.0.1:{refusing_port()}/0")
    monkeypatch.setattr(connection, "client", lambda: away)
    with pytest.raises(Unreachable):
        record()
    tasks.record()
    assert not Breaker.objects.exists()
