"""Agents of several processes around one store, looked at by hand: what each lets pass, together and alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from reliability.breakers import connection
from reliability.breakers.domain.machine import Breaker as Machine
from reliability.breakers.domain.machine import Override, State
from reliability.breakers.domain.rules import Rules
from reliability.breakers.domain.standing import Decider
from reliability.breakers.guard.agent import Agent
from reliability.breakers.guard.around import Breaker
from reliability.breakers.guard.errors import BreakerOpen
from reliability.breakers.guard.guard import Guard
from reliability.breakers.stores.fleet import Fleet
from reliability.breakers.stores.memory import MemoryStore
from reliability.breakers.stores.port import Unreachable
from tests.integration.breakers.conftest import Shared

RULES = Rules(jitter=0.0)


class Flaky:
    """A store that can be away."""

    def __init__(self, store: Any) -> None:
        self.store, self.is_away, self.asked = store, False, 0
        self.lacks: set[str] = set()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(*args: Any) -> Any:
            self.asked += 1
            if self.is_away or name in self.lacks:
                raise Unreachable("away")
            return getattr(self.store, name)(*args)

        return ask


class Process:
    """One process: an agent whose thread does not run, and a breaker."""

    def __init__(self, shared: Shared, host: str, *, rules: Rules = RULES, **settings: Any) -> None:
        self.store = Flaky(shared.store)
        self.agent = Agent(Fleet(self.store, dice=lambda: 0.5), host, dice=lambda: 0.5, **settings)
        self.agent._started = self._looked  # type: ignore[method-assign]  # no thread: looks are by hand
        self.breaker = Breaker(Guard("payments", rules, self.agent, dice=lambda: 0.5))

    def _looked(self) -> bool:
        self.agent.look()
        return True

    def call(self, *, fails: bool = False) -> str:
        """Make a call; return what became of it."""
        try:
            with self.breaker:
                if fails:
                    raise OSError("no answer")
        except BreakerOpen:
            return "rejected"
        except OSError:
            return "failed"
        return "passed"

    def calls(self, number: int, *, fails: bool = False) -> dict[str, int]:
        """Make some calls; count what became of them, and look."""
        found = [self.call(fails=fails) for _ in range(number)]
        self.agent.look()
        return {each: found.count(each) for each in set(found)}

    @property
    def decider(self) -> Decider:
        """Who decides here."""
        return self.breaker.guard.standing.decider


def lose(shared: Shared) -> None:
    """Forget every breaker."""
    client = connection.client()
    client.delete(*client.keys("{mainstay.breakers}*"), "nothing")
    if isinstance(shared.store, MemoryStore):
        for each in (shared.store._texts, shared.store._windows, shared.store._rows):
            each.clear()
        shared.store._revision = 0


def later(shared: Shared, process: Process, seconds: float) -> None:
    """So much time has passed, for the store and the process."""
    shared.wait(seconds)
    process.breaker.guard.offset += seconds


def in_time(process: Process) -> None:
    """The time in which nothing is asked of a store that was away is over; so is the beat's."""
    process.agent._quiet_until_s = process.agent._beat_at_s = 0.0


def test_a_fleet_opens_on_what_all_have_seen_and_each_hears_of_it(shared: Shared) -> None:
    fleet = [Process(shared, f"host-{number}") for number in range(4)]
    for process in fleet:
        assert process.calls(5, fails=True) == {"failed": 5}
    for process in fleet:
        process.agent.look()
        in_time(process)
        process.agent.look()
        assert process.calls(3) == {"rejected": 3}
        assert process.decider is Decider.FLEET


def test_a_process_that_starts_while_it_is_open_lets_nothing_pass(shared: Shared) -> None:
    """Elsewhere a fresh process lets a thousand of a thousand calls pass."""
    Process(shared, "a").calls(20, fails=True)
    assert Process(shared, "b").calls(10) == {"rejected": 10}


def test_exactly_the_permits_are_tried_then_a_ramp_then_all(shared: Shared) -> None:
    fleet = [Process(shared, f"host-{number}") for number in range(4)]
    fleet[0].calls(10, fails=True)
    fleet[1].calls(10, fails=True)
    shared.wait(15.1)
    for process in fleet:
        in_time(process)
        process.agent.look()
    entered = []
    for process in fleet:
        try:
            process.breaker.__enter__()
            entered.append(process)
        except BreakerOpen:
            pass
    assert len(entered) == 3
    for process in reversed(entered):
        process.breaker.__exit__(None, None, None)
    for process in fleet:
        in_time(process)
        process.agent.look()
        assert process.breaker.guard.standing.breaker.state is State.RECOVERING
        assert process.call() == "rejected", "half of a hundred is more than ten"
    shared.wait(10.1)
    for process in fleet:
        process.agent.look()
        assert process.breaker.guard.standing.share == 50
    shared.wait(10.1)
    fleet[0].agent.look()
    assert fleet[0].calls(5) == {"passed": 5}
    assert fleet[0].breaker.guard.standing.breaker.state is State.CLOSED


def test_one_bad_host_is_isolated_and_comes_back_by_its_own_probes(shared: Shared) -> None:
    good, bad = Process(shared, "good"), Process(shared, "bad")
    assert good.calls(30) == {"passed": 30}
    assert bad.calls(25, fails=True) == {"failed": 25}
    assert (bad.calls(5), bad.decider) == ({"rejected": 5}, Decider.ISOLATED)
    assert (good.calls(30), good.decider) == ({"passed": 30}, Decider.FLEET)
    later(shared, bad, 15.1)
    assert bad.calls(3) == {"passed": 3}
    later(shared, bad, 20.1)
    bad.agent.look()
    bad.agent.look()
    assert (bad.calls(5), bad.decider) == ({"passed": 5}, Decider.FLEET)


def test_processes_of_one_bad_host_are_isolated_by_what_they_saw_together(shared: Shared) -> None:
    good = Process(shared, "good")
    good.calls(100)
    bad = [Process(shared, "bad") for _ in range(5)]
    for process in bad:
        process.calls(5, fails=True)
    for process in bad:
        process.calls(1, fails=True)
    assert {process.calls(2).get("rejected") for process in bad} == {2}
    assert good.calls(5) == {"passed": 5}


def test_without_the_store_what_was_open_stays_open_and_comes_back_by_its_own_probes(shared: Shared) -> None:
    process = Process(shared, "a")
    process.calls(20, fails=True)
    process.store.is_away = True
    in_time(process)
    process.agent.look()
    assert (process.calls(3), process.decider) == ({"rejected": 3}, Decider.ALONE)
    guard = process.breaker.guard
    guard.offset += 15.1
    assert process.calls(3) == {"passed": 3}
    guard.offset += 20.1
    process.agent.look()
    assert process.calls(5) == {"passed": 5}
    process.store.is_away = False
    in_time(process)
    process.agent.look()
    assert (process.calls(1), process.decider) == ({"rejected": 1}, Decider.FLEET), "the fleet has it open still"


def test_without_the_store_a_process_opens_by_what_it_sees_itself(shared: Shared) -> None:
    process = Process(shared, "a")
    process.store.is_away = True
    assert process.calls(25, fails=True) == {"failed": 25}
    assert (process.calls(5), process.decider) == ({"rejected": 5}, Decider.ALONE)


def test_a_store_that_is_away_is_not_asked_again_by_every_call(shared: Shared) -> None:
    process = Process(shared, "a")
    process.calls(20, fails=True)
    shared.wait(15.1)
    in_time(process)
    process.agent.look()
    process.store.is_away, process.store.asked = True, 0
    process.calls(50, fails=True)
    assert process.store.asked == 1


def test_a_word_of_a_person_outlives_the_store_until_its_time(shared: Shared) -> None:
    process = Process(shared, "a")
    assert process.call() == "passed"
    now = shared.store.read(["payments"])["payments"].now
    shared.fleet.lay_over("payments", Override.FORCED_OPEN, until=now + 60, gen=1)
    in_time(process)
    process.agent.look()
    process.store.is_away = True
    in_time(process)
    process.agent.look()
    assert process.calls(2) == {"rejected": 2}
    process.breaker.guard.offset += 61
    process.agent.look()
    assert process.calls(2) == {"passed": 2}


@pytest.mark.parametrize("noticed_by", ["looking", "asking"])
def test_a_store_that_has_forgotten_everything_makes_nothing_less_safe(shared: Shared, noticed_by: str) -> None:
    process, other = Process(shared, "a"), Process(shared, "b")
    process.calls(10, fails=True)
    other.calls(10, fails=True)
    if noticed_by == "asking":
        shared.wait(15.1)
        in_time(other)
        other.agent.look()
    lose(shared)
    assert other.call() == "rejected"
    in_time(other)
    other.agent.look()
    assert other.call() == ("rejected" if noticed_by == "looking" else "passed")
    kept = shared.store.read(["payments"])["payments"].breaker
    assert kept is not None
    assert kept.state in (State.OPEN, State.HALF_OPEN)
    assert Process(shared, "c").store.store.read(["payments"])["payments"].breaker == kept


def test_a_cold_process_and_an_empty_store_go_by_what_was_written_down(shared: Shared) -> None:
    asked: list[Sequence[str]] = []
    now = shared.store.read(["payments"])["payments"].now

    def truth(names: Sequence[str]) -> Mapping[str, Machine]:
        asked.append(names)
        return {"payments": Machine(state=State.OPEN, gen=9, open_until=now + 30, reason="written down")}

    process = Process(shared, "a", truth=truth)
    assert (process.calls(2), asked) == ({"rejected": 2}, [["payments"]])
    kept = shared.store.read(["payments"])["payments"].breaker
    assert kept is not None
    assert kept.gen == 9


def test_a_cold_process_without_store_and_without_history_lets_calls_pass(shared: Shared) -> None:
    def truth(names: Sequence[str]) -> Mapping[str, Machine]:
        raise OSError("no database either")

    process = Process(shared, "a", truth=truth)
    assert process.calls(3) == {"passed": 3}
    away = Process(shared, "b", truth=truth)
    away.store.is_away = True
    assert (away.calls(3), away.decider) == ({"passed": 3}, Decider.ALONE)


def test_every_process_says_that_it_lives_and_what_it_goes_by(shared: Shared) -> None:
    process = Process(shared, "a", said={"service": "shop"})
    process.call()
    if isinstance(shared.store, MemoryStore):
        (said,) = shared.store.processes.values()
    else:
        (said,) = connection.client().hvals(connection.PROCESSES)
    assert f'"pid":{os.getpid()}' in said
    assert '"service":"shop"' in said
    assert '"gens":{"payments":' in said
