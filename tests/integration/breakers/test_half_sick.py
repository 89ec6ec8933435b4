"""A store that answers in part, too late, or to others first; a process that is forked, cold, or out of threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from reliability.breakers import registry
from reliability.breakers.domain.machine import Breaker as Machine
from reliability.breakers.domain.machine import State
from reliability.breakers.domain.rules import Rules
from reliability.breakers.domain.standing import Decider
from reliability.breakers.guard.agent import Agent
from reliability.breakers.guard.around import Breaker
from reliability.breakers.guard.guard import Guard
from reliability.breakers.stores.fleet import Contended, Fleet, Permit
from reliability.breakers.stores.port import Kept
from reliability.kernel import clock
from tests.integration.breakers.conftest import Shared
from tests.integration.breakers.test_agents import RULES, Process, in_time


@pytest.mark.parametrize("lacks", ["tell", "beat", "read"])
def test_an_open_breaker_leaks_no_call_while_only_a_part_of_the_store_answers(shared: Shared, lacks: str) -> None:
    process = Process(shared, "a")
    process.calls(20, fails=True)
    process.store.lacks = {lacks}
    for _ in range(10):
        in_time(process)
        process.agent.moved("payments")
        assert process.calls(3) == {"rejected": 3}
    process.store.lacks = set()
    in_time(process)
    process.agent.look()
    assert (process.calls(3), process.decider) == ({"rejected": 3}, Decider.FLEET)


def test_what_is_heard_while_alone_moves_only_towards_the_safe_side(shared: Shared) -> None:
    process = Process(shared, "a")
    process.calls(20, fails=True)
    kept = shared.store.read(["payments"])["payments"]
    assert kept.breaker is not None
    process.store.lacks = {"beat"}
    in_time(process)
    process.agent.look()
    assert process.decider is Decider.ALONE
    shared.fleet.reset("payments", gen=kept.breaker.gen)
    in_time(process)
    process.agent.look()
    assert process.calls(2) == {"rejected": 2}, "one answer is no fleet that is back"
    process.store.lacks = set()
    in_time(process)
    process.agent.look()
    assert (process.calls(2), process.decider) == ({"passed": 2}, Decider.FLEET)


def test_a_child_that_was_forked_while_the_store_was_away_goes_on_from_what_its_parent_knew(shared: Shared) -> None:
    process = Process(shared, "a")
    process.calls(20, fails=True)
    process.store.is_away = True
    process.agent.renew()  # as in the child
    assert (process.calls(3), process.decider) == ({"rejected": 3}, Decider.ALONE)


def test_a_cold_process_that_cannot_ask_the_fleet_asks_what_is_written_down(shared: Shared) -> None:
    now = clock.SYSTEM.now().timestamp()

    def truth(names: Sequence[str]) -> Mapping[str, Machine]:
        return {"payments": Machine(state=State.OPEN, gen=9, open_until=now + 30, reason="written down")}

    process = Process(shared, "a", truth=truth)
    process.store.is_away = True
    assert (process.calls(2), process.decider) == ({"rejected": 2}, Decider.ALONE)
    process.breaker.guard.offset += 31
    assert process.calls(1) == {"passed": 1}, "its time is over: it tries by itself"


class Busy:
    """A store in which somebody else is always faster."""

    def __init__(self, store: Any) -> None:
        self.store = store

    def swap(self, name: str, kept: Kept, after: Machine) -> None:
        return None

    def __getattr__(self, name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(self.store, name)
        return found


def test_where_others_are_always_faster_a_call_is_refused_and_nobody_goes_on_alone(shared: Shared) -> None:
    process = Process(shared, "a")
    process.calls(20, fails=True)
    shared.wait(15.1)
    in_time(process)
    process.agent.look()
    process.agent._fleet.store = Busy(shared.store)  # type: ignore[assignment]
    with pytest.raises(Contended):
        process.agent._fleet.permit("payments", "p", RULES)
    assert (process.call(), process.decider) == ("rejected", Decider.FLEET)
    process.agent.report(process.breaker.guard, Permit("p", 3), None)
    assert process.decider is Decider.FLEET


def test_of_many_threads_that_try_at_once_each_permit_is_given_once(shared: Shared) -> None:
    rules = Rules(jitter=0.0, permits=40)
    for host in ("a", "b"):
        Process(shared, host, rules=rules).calls(10, fails=True)
    shared.wait(15.1)
    with ThreadPoolExecutor(16) as threads:
        given = list(threads.map(lambda number: _asked(shared.fleet, f"p{number}", rules), range(120)))
    assert sum(given) <= 40
    more = [_asked(shared.fleet, f"q{number}", rules) for number in range(60)]
    assert sum(given) + sum(more) == 40


def _asked(fleet: Fleet, permit: str, rules: Rules) -> bool:
    try:
        return fleet.permit("payments", permit, rules)[1] is not None
    except Contended:
        return False


def test_while_every_permit_is_given_the_others_are_decided_without_asking(shared: Shared) -> None:
    process = Process(shared, "a")
    process.calls(20, fails=True)
    shared.wait(15.1)
    for permit in ("p", "q", "r"):
        shared.fleet.permit("payments", permit, RULES)
    in_time(process)
    process.agent.look()
    process.store.asked = 0
    assert [process.call() for _ in range(20)] == ["rejected"] * 20
    assert process.store.asked == 0
    process.breaker.guard.offset += 10.1  # the first of them is lost
    process.call()
    assert process.store.asked > 0


def test_a_process_without_threads_lets_calls_pass_and_tries_again(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = Agent(shared.fleet, "a")
    payments = Breaker(Guard("payments", RULES, agent))

    def fail(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    with payments:
        pass
    assert not payments.guard.started
    monkeypatch.undo()
    with payments:
        pass
    assert payments.guard.started
    agent.stop()


def test_what_was_counted_last_is_told_when_a_process_ends(shared: Shared) -> None:
    agent = Agent(shared.fleet, "a")
    payments = Breaker(Guard("payments", RULES, agent))
    for _ in range(30):
        with pytest.raises(OSError, match="no answer"), payments:
            raise OSError("no answer")
    agent.stop()
    kept = shared.store.read(["payments"])["payments"].breaker
    assert kept is not None
    assert kept.state is State.OPEN


def test_a_child_does_not_wait_for_a_lock_that_its_parent_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry.forks, "let_go_of_pools", lambda: None)  # this is no child
    held = registry._lock
    with held:
        registry._renew()
        assert registry.breaker("after-fork") is registry.breaker("after-fork")
    assert registry._lock is not held
