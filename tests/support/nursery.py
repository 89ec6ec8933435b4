"""Processes that are killed again and again, without an interpreter's start for each.

One process has imported everything; it forks a child for each line on its standard input, and says on its standard
output how each ended. A child is a process of its own, with a session, a log and connections of its own, so it is
killed, stopped and watched like any other; only the seconds of importing are saved.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from reliability.embedded import launch

ROOT = Path(__file__).parents[2]


class Child:
    """A process of a nursery, with the face of ``subprocess.Popen``."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None
        self._ended = threading.Event()

    def end(self, code: int) -> None:
        """Note its exit code."""
        self._code = code
        self._ended.set()

    def poll(self) -> int | None:
        """Its exit code, once it has ended."""
        return self._code if self._ended.is_set() else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raises ``subprocess.TimeoutExpired``."""
        if not self._ended.wait(timeout) or self._code is None:
            raise subprocess.TimeoutExpired(["child"], timeout or 0.0)
        return self._code

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it lives."""
        if not self._ended.is_set():
            with contextlib.suppress(ProcessLookupError):  # it ended a moment ago, and nobody has said so yet
                os.kill(self.pid, number)

    def kill(self) -> None:
        """``kill -9``."""
        self.send_signal(signal.SIGKILL)


class Nursery:
    """Starts children: ``target`` is ``module:function``, called with words of text."""

    def __init__(self, *, env: Mapping[str, str], imports: list[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.nursery", *imports],
            cwd=ROOT,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._children: dict[int, Child] = {}
        self._born: Child | None = None
        self._is_born = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def start(self, target: str, *words: str, env: Mapping[str, str], log: Path) -> Child:
        """Fork one."""
        return self._order(target=target, words=words, env=dict(env), log=str(log), given="", told="")

    def run(self, words: Sequence[str], *, env: Mapping[str, str], log: Path, given: str = "", told: str = "") -> Child:
        """Fork one that does what ``python WORDS`` does: ``-m`` and a module, or a script, and what follows.

        ``given`` and ``told`` are files for its standard input and output; without them, nothing and the log.
        """
        target = "tests.support.nursery:as_python"
        return self._order(target=target, words=words, env=dict(env), log=str(log), given=given, told=told)

    def _order(self, **order: Any) -> Child:
        assert self._process.stdin is not None
        self._is_born.clear()
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        assert self._is_born.wait(60), "the nursery did not start a process"
        assert self._born is not None
        return self._born

    def close(self) -> None:
        """End it and what it has started."""
        for child in list(self._children.values()):
            child.kill()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            if "born" in told:
                self._born = self._children[told["born"]] = Child(told["born"])
                self._is_born.set()
            else:
                self._children[told["died"]].end(told["code"])


def main(imports: list[str]) -> None:
    """Import, then fork for each order until there are no more."""
    import django

    django.setup()
    for name in imports:
        importlib.import_module(name)
    gc.freeze()  # what is there now is shared with the children and never looked at again
    telling = threading.Lock()
    waits: dict[int, threading.Thread] = {}

    def say(**facts: Any) -> None:
        with telling:
            sys.stdout.write(json.dumps(facts) + "\n")
            sys.stdout.flush()

    def await_end(pid: int) -> None:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        waits.pop(pid)
        say(died=pid, code=code)

    for line in sys.stdin:
        order = json.loads(line)
        with telling:  # held by nobody else while it is copied
            pid = os.fork()
        if pid == 0:
            _live(order)
        say(born=pid)
        waits[pid] = threading.Thread(target=await_end, args=[pid])
        waits[pid].start()
    for pid, wait in list(waits.items()):  # whoever ordered them is gone
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        wait.join()


def as_python(*words: str) -> None:
    """Do what ``python WORDS`` does, in this process."""
    if words[0] == "-m":
        sys.argv = [words[1], *words[2:]]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(words)
        runpy.run_path(words[0], run_name="__main__")


def _live(order: dict[str, Any]) -> None:
    """What a child does; it never returns."""
    code = 1
    try:
        os.setsid()
        launch.die_with_parent(os.getppid(), signal.SIGKILL)
        log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        given = os.open(order["given"] or os.devnull, os.O_RDONLY)
        told = os.open(order["told"], os.O_WRONLY | os.O_CREAT, 0o600) if order["told"] else log
        for mine, standard in ((given, 0), (told, 1), (log, 2)):
            os.dup2(mine, standard)
        sys.stdin = os.fdopen(0, closefd=False)  # the one it has inherited may hold what was meant for its parent
        os.environ.update(order["env"])
        from reliability.kernel import failpoint

        importlib.reload(failpoint)  # it reads its place when it is imported
        module, _, name = order["target"].partition(":")
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
        function(*order["words"])
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 - the end of a process: told in its log
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
