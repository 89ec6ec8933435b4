"""One suite for whatever keeps the breakers of a fleet; and Redis beside memory, at random."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from reliability.breakers import connection
from reliability.breakers.domain.evidence import Counts
from reliability.breakers.domain.machine import Breaker, Outcome, Override, State, Superseded
from reliability.breakers.domain.rules import Rules
from reliability.breakers.stores.fleet import Permit
from reliability.breakers.stores.memory import MemoryStore
from reliability.breakers.stores.port import Kept, Told, Unreachable
from reliability.breakers.stores.shared import RedisStore
from tests.integration.breakers.conftest import Shared
from tests.support.network import refusing_port

RULES = Rules(jitter=0.0)
BY_NAME = {"payments": RULES, "mail": RULES}


def told(calls: int, failed: int, *, gen: int = 1, name: str = "payments") -> Told:
    return Told(name=name, gen=gen, window_s=RULES.window_s, counts=Counts(calls=calls, failed=failed, row=failed))


def tell(shared: Shared, host: str, calls: int, failed: int, *, gen: int = 1) -> Breaker:
    found = shared.fleet.tell(host, [told(calls, failed, gen=gen)], BY_NAME)["payments"].kept.breaker
    assert found is not None
    return found


def opened(shared: Shared) -> Breaker:
    tell(shared, "a", 10, 10)
    breaker = tell(shared, "b", 10, 10)
    assert breaker.state is State.OPEN
    return breaker


def half_open(shared: Shared, *permits: str) -> list[Permit]:
    opened(shared)
    shared.wait(15.1)
    given = [shared.fleet.permit("payments", permit, RULES)[1] for permit in permits]
    assert all(given)
    return [permit for permit in given if permit is not None]


def kept(shared: Shared) -> Kept:
    return shared.store.read(["payments"])["payments"]


def state(shared: Shared) -> State:
    found = kept(shared).breaker
    return found.state if found is not None else State.CLOSED


def test_nothing_is_kept_until_something_happens(shared: Shared) -> None:
    assert (kept(shared).breaker, kept(shared).text) == (None, "")
    assert tell(shared, "a", 100, 0).state is State.CLOSED
    assert kept(shared).text == ""
    assert shared.store.beat("p", "x", {}) == 0


def test_evidence_of_many_processes_is_one(shared: Shared) -> None:
    """Eight workers with fifteen failures each, twenty needed: elsewhere all of them pass."""
    states = [tell(shared, f"host-{worker}", 5, 5).state for worker in range(8)]
    assert states == [State.CLOSED] * 3 + [State.OPEN] * 5
    assert shared.store.beat("p", "x", {}) == 1


def test_one_bad_host_does_not_open_it_for_the_others(shared: Shared) -> None:
    for _ in range(10):
        assert tell(shared, "good", 10, 0).state is State.CLOSED
        assert tell(shared, "bad", 30, 30).state is State.CLOSED
    assert tell(shared, "bad too", 10, 10).state is State.OPEN


def test_a_fleet_of_one_host_needs_no_second_one(shared: Shared) -> None:
    assert tell(shared, "only", 20, 20).state is State.OPEN


def test_what_is_older_than_the_window_is_forgotten(shared: Shared) -> None:
    tell(shared, "a", 10, 10)
    shared.wait(31)
    assert tell(shared, "b", 10, 10).state is State.CLOSED
    assert tell(shared, "a", 10, 10).state is State.OPEN


def test_what_was_let_through_before_says_nothing_of_now(shared: Shared) -> None:
    breaker = opened(shared)
    current = shared.fleet.reset("payments", gen=breaker.gen).breaker
    assert current is not None
    late = tell(shared, "a", 100, 100, gen=breaker.gen)
    assert late.state is State.CLOSED, "calls that began before the reset"
    tell(shared, "a", 10, 10, gen=current.gen)
    assert tell(shared, "b", 10, 10, gen=current.gen).state is State.OPEN


def test_of_a_herd_only_so_many_may_try_as_there_are_permits(shared: Shared) -> None:
    opened(shared)
    assert shared.fleet.permit("payments", "early", RULES)[1] is None
    shared.wait(15.1)
    given = [shared.fleet.permit("payments", f"p{number}", RULES)[1] for number in range(50)]
    assert [permit.id for permit in given if permit is not None] == ["p0", "p1", "p2"]


def test_a_prober_that_died_is_found_out_by_whoever_asks_next(shared: Shared) -> None:
    half_open(shared, "dead")
    shared.wait(10.1)
    after, permit = shared.fleet.permit("payments", "p", RULES)
    assert permit is not None, "one of three is borne, and its place is taken"
    assert after.breaker is not None
    assert after.breaker.failed == 1


def test_what_did_well_closes_it_and_an_answer_of_another_round_does_not(shared: Shared) -> None:
    first = half_open(shared, "p0", "p1", "p2")
    for permit in first[:2]:
        shared.fleet.report("payments", permit, Outcome.ERROR, RULES)
    assert state(shared) is State.OPEN
    shared.wait(31)
    _, second = shared.fleet.permit("payments", "q0", RULES)
    assert second is not None
    shared.fleet.report("payments", first[2], Outcome.OK, RULES)
    breaker = kept(shared).breaker
    assert breaker is not None
    assert (breaker.state, breaker.passed) == (State.HALF_OPEN, 0)
    for permit in [second, *(shared.fleet.permit("payments", each, RULES)[1] for each in ("q1", "q2"))]:
        assert permit is not None
        shared.fleet.report("payments", permit, Outcome.OK, RULES)
    assert state(shared) is State.RECOVERING
    shared.wait(20.1)
    shared.fleet.tick("payments", RULES)
    assert state(shared) is State.CLOSED


def test_a_probe_that_was_called_off_frees_its_place(shared: Shared) -> None:
    (permit, *_) = half_open(shared, "p0", "p1", "p2")
    assert shared.fleet.permit("payments", "p3", RULES)[1] is None
    shared.fleet.report("payments", permit, None, RULES)
    assert shared.fleet.permit("payments", "p3", RULES)[1] is not None


def test_of_two_operators_the_second_is_told(shared: Shared) -> None:
    now = kept(shared).now
    shared.fleet.lay_over("payments", Override.FORCED_OPEN, until=now + 60, gen=1)
    with pytest.raises(Superseded):
        shared.fleet.lay_over("payments", Override.FORCED_CLOSED, until=now + 60, gen=1)
    breaker = kept(shared).breaker
    assert breaker is not None
    assert breaker.overridden(now + 59) is Override.FORCED_OPEN
    shared.wait(61)
    assert kept(shared).now >= breaker.override_until


def test_who_was_slower_changes_nothing(shared: Shared) -> None:
    seen = kept(shared)
    assert shared.store.swap("payments", seen, Breaker(gen=2)) is not None
    assert shared.store.swap("payments", seen, Breaker(gen=9)) is None
    assert kept(shared).breaker == Breaker(gen=2)


def test_what_the_store_lost_is_put_back_and_nothing_newer_is_overwritten(shared: Shared) -> None:
    breaker = opened(shared)
    connection.client().delete(connection.state("payments"))
    if isinstance(shared.store, MemoryStore):
        shared.store._texts.clear()
    assert kept(shared).breaker is None
    shared.fleet.restore("payments", breaker)
    assert state(shared) is State.OPEN
    shared.fleet.restore("payments", Breaker(gen=1))
    assert state(shared) is State.OPEN


def test_several_breakers_are_told_in_one_go(shared: Shared) -> None:
    found = shared.fleet.tell("a", [told(20, 20), told(20, 1, name="mail")], BY_NAME)
    assert {name: each.kept.breaker.state for name, each in found.items() if each.kept.breaker} == {
        "payments": State.OPEN,
        "mail": State.CLOSED,
    }
    assert shared.fleet.tell("a", [], BY_NAME) == {}


@pytest.mark.usefixtures("clean_redis")
def test_a_clock_that_is_set_back_makes_no_wait_longer() -> None:
    store = RedisStore(ahead_s=3600.0)
    before = store.read(["payments"])["payments"].now
    store.ahead_s = 0.0
    times = [store.read(["payments"])["payments"].now for _ in range(3)]
    assert before <= times[0] < before + 5
    assert times == sorted(times)


@pytest.mark.usefixtures("clean_redis")
def test_what_is_no_breaker_is_replaced_by_the_next_change() -> None:
    connection.client().set(connection.state("payments"), "nonsense")
    shared = Shared(RedisStore(), lambda seconds: None)
    assert kept(shared).breaker is None
    assert opened(shared).state is State.OPEN


@pytest.mark.usefixtures("clean_redis")
def test_redis_that_has_forgotten_its_scripts_is_told_them_again() -> None:
    shared = Shared(RedisStore(), lambda seconds: None)
    tell(shared, "a", 1, 0)
    connection.client().script_flush()
    assert tell(shared, "a", 19, 19).state is State.OPEN


def test_a_store_that_does_not_answer_says_so() -> None:
    store = RedisStore(connection.client(f"redis://127.0.0.1:{refusing_port()}/0"))
    for ask in (
        lambda: store.read(["payments"]),
        lambda: store.tell("a", [told(1, 1)]),
        lambda: store.swap("payments", Kept(breaker=None, text="", now=0.0), Breaker()),
        lambda: store.beat("p", "x", {}),
    ):
        with pytest.raises(Unreachable):
            ask()


@pytest.mark.usefixtures("clean_redis")
def test_each_new_generation_is_in_the_log_and_told_to_who_listens() -> None:
    shared = Shared(RedisStore(), lambda seconds: None)
    listener = connection.client().pubsub(ignore_subscribe_messages=True)
    listener.subscribe(connection.REVISION)
    listener.get_message(timeout=1)
    opened(shared)
    message = listener.get_message(timeout=2)
    assert message is not None
    assert message["data"] == "payments"
    ((_, entry),) = connection.client().xrange(connection.LOG)
    assert (entry["name"], entry["before"]) == ("payments", "")
    assert '"state":"open"' in entry["after"]
    listener.close()


class Beside(RuleBasedStateMachine):
    """Redis and memory are told the same at the same times and answer the same."""

    def __init__(self) -> None:
        super().__init__()
        client = connection.client()
        client.delete(*client.keys("{mainstay.breakers}*"), "nothing")
        self.redis = RedisStore()
        self.memory = MemoryStore(lambda: self.now)
        self.now = self.redis.read(["payments"])["payments"].now

    @rule(
        host=st.sampled_from("abc"),
        calls=st.integers(0, 9),
        failed=st.integers(0, 9),
        gen=st.integers(1, 3),
        wait=st.sampled_from([0.0, 0.3, 2.0, 40.0]),
    )
    def tell(self, host: str, calls: int, failed: int, gen: int, wait: float) -> None:
        self.redis.ahead_s += wait
        failed = min(calls, failed)
        counts = Counts(calls=calls, failed=failed, row=failed // 2, slow=(calls - failed) // 2, rejected=calls % 3)
        one = Told(name="payments", gen=gen, window_s=30, counts=counts)
        theirs = self.redis.tell(host, [one])["payments"]
        self.now = theirs.kept.now
        ours = self.memory.tell(host, [one])["payments"]
        assert (theirs.row, theirs.kept.breaker) == (ours.row, ours.kept.breaker)
        if ours.hosts:  # Redis remembers a little longer that something was bad
            assert theirs.hosts == ours.hosts
        else:
            assert not any(each.failed or each.slow for each in theirs.hosts.values())

    @rule(gen=st.integers(1, 3), passed=st.integers(0, 3))
    def swap(self, gen: int, passed: int) -> None:
        after = Breaker(gen=gen, passed=passed)
        one, other = (store.read(["payments"])["payments"] for store in (self.redis, self.memory))
        assert one.text == other.text
        assert self.redis.swap("payments", one, after) is not None
        assert self.memory.swap("payments", other, after) is not None
        assert self.redis.beat("p", "x", {}) == self.memory.beat("p", "x", {})


TestBeside = Beside.TestCase
TestBeside.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
