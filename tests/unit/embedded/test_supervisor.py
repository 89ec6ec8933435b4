"""The supervisor's decisions, on children that are not there."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reliability.embedded.supervisor import Stopped, Supervisor
from reliability.kernel.clock import ManualClock


@dataclass
class FakeChild:
    """A child whose life the test decides; notes what is done to it."""

    name: str
    done: list[str]
    running: bool = False
    exit_code: int | None = None
    pid: int = 4711
    log: Path = Path("/nowhere/fake.log")
    stop_within_s: float = 1.0
    restarts: bool = True
    ends_when_asked: bool = True
    last_lines: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.running, self.exit_code = True, None
        self.done.append(f"start {self.name}")

    def crash(self, exit_code: int) -> None:
        self.running, self.exit_code = False, exit_code

    def ask_to_stop(self) -> None:
        self.done.append(f"ask {self.name}")

    def stop(self) -> bool:
        self.running = False
        self.done.append(f"stop {self.name}")
        return self.ends_when_asked

    def kill(self) -> None:
        self.done.append(f"kill {self.name}")

    def strike(self) -> None:
        self.done.append(f"strike {self.name}")

    def tail(self, *, lines: int) -> list[str]:
        return self.last_lines[-lines:]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def supervisor(said: list[str], clock: ManualClock) -> Supervisor:
    return Supervisor(say=said.append, clock=clock, random=lambda: 1.0)


def rounds(supervisor: Supervisor, clock: ManualClock, *, seconds: float) -> None:
    for _ in range(round(seconds / 0.5)):
        supervisor.look()
        clock.advance(0.5)


def test_a_crash_is_shown_with_its_last_lines_and_answered_with_a_restart(supervisor, said, clock) -> None:
    child = FakeChild("web", [], last_lines=["it was", "a bad day"])
    supervisor.start(child, stage=1)
    child.crash(3)
    supervisor.look()
    assert "web ended with exit code 3" in said[0]
    assert said[1:] == ["  web | it was", "  web | a bad day"]
    assert not child.running
    rounds(supervisor, clock, seconds=2.5)
    assert child.done == ["start web", "kill web", "start web"]


def test_a_signal_that_ended_a_child_is_named(supervisor, said) -> None:
    child = FakeChild("web", [])
    supervisor.start(child, stage=1)
    child.crash(-9)
    supervisor.look()
    assert "was ended by signal 9" in said[0]


def test_each_crash_waits_longer_up_to_a_limit(supervisor, said, clock) -> None:
    child = FakeChild("web", [])
    supervisor.start(child, stage=1)
    waits = []
    for _ in range(8):
        child.crash(1)
        began = clock.monotonic()
        while not child.running:
            supervisor.look()
            clock.advance(0.5)
        waits.append(clock.monotonic() - began)
    assert waits == sorted(waits)
    assert waits[0] < 3
    assert 30 <= waits[-1] <= 32


def test_a_child_that_ran_long_starts_from_the_short_wait_again(supervisor, said, clock) -> None:
    child = FakeChild("web", [])
    supervisor.start(child, stage=1)
    for _ in range(5):
        child.crash(1)
        rounds(supervisor, clock, seconds=40)
    clock.advance(61)
    child.crash(1)
    rounds(supervisor, clock, seconds=2.5)
    assert child.running


def test_a_change_of_processes_is_told(said, clock) -> None:
    changes = []
    supervisor = Supervisor(say=said.append, clock=clock, on_change=lambda: changes.append(1))
    child = FakeChild("web", [])
    supervisor.start(child, stage=1)
    child.crash(1)
    supervisor.look()
    assert len(changes) == 1
    assert supervisor.pids(stage=1) == {}
    rounds(supervisor, clock, seconds=3)
    assert len(changes) == 2
    assert supervisor.pids(stage=1) == {"web": 4711}


def test_processes_end_before_the_servers_they_use(supervisor) -> None:
    done: list[str] = []
    supervisor.start(FakeChild("postgresql", done), stage=0)
    supervisor.start(FakeChild("web", done), stage=1)
    supervisor.start(FakeChild("beat", done), stage=1)
    done.clear()
    supervisor.stop()
    assert done == ["ask web", "ask beat", "stop web", "stop beat", "ask postgresql", "stop postgresql"]


def test_a_child_that_had_to_be_killed_is_named(supervisor, said) -> None:
    supervisor.start(FakeChild("web", [], ends_when_asked=False), stage=1)
    supervisor.stop()
    assert said == ["web did not end within 1 s and was killed"]


def test_a_broker_that_cannot_keep_its_address_ends_everything(supervisor, said) -> None:
    child = FakeChild("kafka", [], restarts=False)
    supervisor.start(child, stage=0)
    child.crash(1)
    supervisor.run()
    assert "cannot start again at the same address" in said[0]
    assert child.done == ["start kafka"]


def test_one_signal_asks_for_the_end_and_leaves_the_former_handler(supervisor) -> None:
    before = signal.getsignal(signal.SIGHUP)
    with supervisor.listening():
        signal.raise_signal(signal.SIGHUP)
        with pytest.raises(Stopped):
            supervisor.checkpoint()
        supervisor.run()
    assert signal.getsignal(signal.SIGHUP) == before


def test_without_a_signal_a_start_goes_on(supervisor) -> None:
    with supervisor.listening():
        supervisor.checkpoint()
