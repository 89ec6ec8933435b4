"""Real small processes: what is started is ended, whatever happens to the one that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reliability.embedded import account
from reliability.embedded.child import LAUNCHER, Child
from reliability.embedded.supervisor import Supervisor

SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]
# Starts a grandchild in its own group and ignores the stop signal.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(grandchild.pid, flush=True)
time.sleep(600)
"""
SUPERVISED = """
import sys
from pathlib import Path
from reliability.embedded import account
from reliability.embedded.child import LAUNCHER, Child
from reliability.embedded.supervisor import Supervisor
folder = Path(sys.argv[1])
supervisor = Supervisor(say=lambda text: print(text, flush=True))
with supervisor.listening():
    for name in ("one", "two"):
        child = Child(name=name, argv=[sys.executable, "-c", sys.argv[2]], log=folder / f"{name}.log", stop_within_s=60)
        supervisor.start(child, stage=1)
        (folder / f"{name}.pid").write_text(str(child.pid))
    (folder / "ready").touch()
    supervisor.run()
    supervisor.stop()
"""


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], *, within_s: float = 10) -> bool:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def start_supervised(folder: Path, program: str = SLEEPS[2]) -> tuple[subprocess.Popen[str], list[int]]:
    command = [sys.executable, "-c", SUPERVISED, str(folder), program]
    supervisor = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert wait_for((folder / "ready").exists)
    return supervisor, [int((folder / f"{name}.pid").read_text()) for name in ("one", "two")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_ends_all(tmp_path: Path, number: signal.Signals) -> None:
    supervisor, pids = start_supervised(tmp_path)
    assert all(map(alive, pids))
    supervisor.send_signal(number)
    assert supervisor.wait(30) == 0
    assert not any(map(alive, pids))


def test_a_second_signal_kills_what_does_not_end(tmp_path: Path) -> None:
    supervisor, pids = start_supervised(tmp_path, program=STUBBORN)
    assert wait_for(lambda: bool((tmp_path / "one.log").read_text() and (tmp_path / "two.log").read_text()))
    grandchildren = [int((tmp_path / f"{name}.log").read_text()) for name in ("one", "two")]
    supervisor.send_signal(signal.SIGINT)
    time.sleep(0.3)
    began = time.monotonic()
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(30) == 128 + signal.SIGINT
    assert time.monotonic() - began < 20, "it waited for what does not end"
    assert wait_for(lambda: not any(map(alive, [*pids, *grandchildren])))


def test_a_killed_supervisor_leaves_no_orphan(tmp_path: Path) -> None:
    supervisor, pids = start_supervised(tmp_path)
    supervisor.kill()
    supervisor.wait()
    assert wait_for(lambda: not any(map(alive, pids)))


def test_a_stubborn_child_is_killed_with_what_it_started(tmp_path: Path) -> None:
    child = Child(name="x", argv=[sys.executable, "-c", STUBBORN], log=tmp_path / "x.log", stop_within_s=0.5)
    child.start()
    assert wait_for(lambda: bool((tmp_path / "x.log").read_text()))
    grandchild = int(child.tail()[0])
    assert not child.stop()
    assert not alive(child.pid or 0)
    assert wait_for(lambda: not alive(grandchild))


def test_a_child_whose_starter_is_already_gone_does_not_start(tmp_path: Path) -> None:
    nobody = "1" if os.getpid() != 1 else "2"
    command = [sys.executable, "-I", "-S", str(LAUNCHER), nobody, "15", "-", "touch", str(tmp_path / "started")]
    assert subprocess.run(command, check=False).returncode == 143
    assert not (tmp_path / "started").exists()


def test_a_crash_is_followed_by_a_new_process(tmp_path: Path) -> None:
    said: list[str] = []
    program = "import sys; print('about to fall', flush=True); sys.exit(3)"
    child = Child(name="weak", argv=[sys.executable, "-c", program], log=tmp_path / "weak.log")
    supervisor = Supervisor(say=said.append, random=lambda: 0.0)
    supervisor.start(child, stage=1)
    first = child.pid

    def restarted() -> bool:
        supervisor.look()
        return child.pid != first

    assert wait_for(restarted)
    supervisor.stop()
    assert "weak ended with exit code 3" in said[0]
    assert "  weak | about to fall" in said


def test_a_child_runs_under_the_account_it_is_given(tmp_path: Path) -> None:
    other = account.without_root()
    child = Child(name="x", argv=["/bin/sh", "-c", "id -u; id -G"], log=tmp_path / "x.log", account=other)
    child.start()
    assert wait_for(lambda: not child.running)
    uid, groups = child.tail()
    assert int(uid) == (other.uid if other else os.geteuid())
    if other:
        assert groups == str(other.gid)
