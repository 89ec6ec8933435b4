"""The loop under every process: goes on at once or waits, survives errors, says how it is."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping

from reliability.kernel import process


class Listening:
    """A heartbeat that remembers."""

    def __init__(self) -> None:
        self.beats: list[tuple[str, Mapping[str, object]]] = []

    def beat(self, name: str, *, state: str, facts: Mapping[str, object]) -> None:
        self.beats.append((state, facts))


def test_it_goes_on_at_once_while_there_is_work_and_ends_when_told() -> None:
    stop, left = threading.Event(), [3]

    def step() -> bool:
        left[0] -= 1
        if not left[0]:
            stop.set()
        return True

    heartbeat = Listening()
    process.run(step, name="worker", heartbeat=heartbeat, stop=stop, idle_s=60)
    assert left == [0]
    assert [state for state, _ in heartbeat.beats] == ["running", "stopped"]


def test_an_error_neither_ends_the_loop_nor_is_swallowed(monkeypatch) -> None:
    monkeypatch.setattr(process, "ERROR_BACKOFF_BASE_S", 0.001)
    monkeypatch.setattr(process, "HEARTBEAT_EVERY_S", 0.0)
    stop, calls = threading.Event(), []

    def step() -> bool:
        calls.append(None)
        if len(calls) < 3:
            raise RuntimeError("the broker is away")
        stop.set()
        return True

    heartbeat = Listening()
    process.run(step, name="worker", heartbeat=heartbeat, stop=stop)
    assert [state for state, _ in heartbeat.beats] == ["running", "failing", "failing", "stopped"]
    assert heartbeat.beats[1][1]["error"] == "RuntimeError: the broker is away"


IN_ITS_WAY = """
import os, signal, time
from reliability.kernel import process

with process.stop_on_signals() as stop:
    with stop._cond:  # where whoever waits for the event, or the signal before, may be interrupted
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)
    print(stop.wait(10))
"""


def test_a_signal_that_finds_the_event_in_use_stops_it_all_the_same() -> None:
    done = subprocess.run([sys.executable, "-c", IN_ITS_WAY], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")
