"""A probe of one's own: an open breaker is tried although nobody calls."""

from __future__ import annotations

from reliability.breakers.domain.machine import State
from reliability.breakers.guard.probing import Probing
from tests.integration.breakers.conftest import Shared
from tests.integration.breakers.test_agents import Process, in_time


class Dependency:
    """What the probe asks."""

    def __init__(self) -> None:
        self.is_down, self.asked = True, 0

    def answer(self) -> None:
        self.asked += 1
        if self.is_down:
            raise OSError("still down")


def probed(shared: Shared) -> tuple[Process, Dependency]:
    process, dependency = Process(shared, "a"), Dependency()
    process.agent._probing = Probing(start=lambda run: run())
    process.breaker.guard.probe = dependency.answer
    process.calls(20, fails=True)
    return process, dependency


def looks(process: Process, times: int = 1) -> None:
    for _ in range(times):
        in_time(process)
        process.agent.look()


def test_nobody_calls_and_it_is_tried_until_it_does_well(shared: Shared) -> None:
    process, dependency = probed(shared)
    looks(process)
    assert dependency.asked == 0, "its time is not over"
    shared.wait(15.1)
    looks(process, 2)
    assert (dependency.asked, process.breaker.guard.standing.breaker.state) == (2, State.OPEN)
    dependency.is_down = False
    shared.wait(30.1)
    looks(process, 4)
    assert dependency.asked == 5
    assert process.breaker.guard.standing.breaker.state is State.RECOVERING
    shared.wait(20.1)
    looks(process, 2)
    assert process.breaker.guard.standing.breaker.state is State.CLOSED
    assert dependency.asked == 5, "nothing is tried any more"


def test_a_probe_that_hangs_is_alone(shared: Shared) -> None:
    process, _ = probed(shared)
    begun: list[object] = []
    process.agent._probing = Probing(start=begun.append)
    shared.wait(15.1)
    looks(process, 5)
    assert len(begun) == 1
