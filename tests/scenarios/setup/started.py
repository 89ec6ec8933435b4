"""Starts the demo as a person does, in a folder of its own, and looks at what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reliability.embedded.state import MARK

CHECKOUT = Path(__file__).parents[3]
# Every client that honours a proxy is sent to a port where nothing listens.
NO_NETWORK = {
    **dict.fromkeys(
        ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9"
    ),
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
    "MAINSTAY_MAVEN_REPOSITORY": "http://127.0.0.1:9",
    "PIP_RETRIES": "0",
    "UV_HTTP_RETRIES": "0",
}
NAMED_SERVERS = ("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS")


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what names servers or settings of the test run."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in NAMED_SERVERS and not name.startswith(("MAINSTAY_", "DJANGO_"))
    }
    return {**kept, **more}


class Demo:
    """One `python -m reliability.embedded demo FOLDER`, in a session of its own as in a terminal."""

    def __init__(self, folder: Path, **more: str) -> None:
        self.folder = folder
        self._shown = folder.with_name(f"{folder.name}.{time.monotonic_ns()}.out")
        with self._shown.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "reliability.embedded", "demo", str(folder)],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=CHECKOUT,
                env=environment(**more),
                start_new_session=True,
            )

    @property
    def shown(self) -> str:
        """Everything a person has seen of it."""
        return self._shown.read_text()

    @property
    def state(self) -> dict[str, Any]:
        """The running demo's facts; empty while it is not ready."""
        try:
            facts = json.loads((self.folder / "state.json").read_text())
        except FileNotFoundError:
            return {}
        return facts if facts["supervisor"] == self.process.pid else {}

    def ready(self, *, within_s: float = 90) -> dict[str, Any]:
        """Wait for its facts."""
        wait_for(lambda: bool(self.state) or self.process.poll() is not None, within_s=within_s)
        assert self.state, self.shown
        return self.state

    def end(self, number: signal.Signals) -> int:
        """Send one signal and wait for the end."""
        self.process.send_signal(number)
        return self.process.wait(40)

    def left_over(self) -> list[str]:
        """Processes that still carry this demo's mark."""
        return marked(self.folder)


def marked(folder: Path) -> list[str]:
    """The command lines of all processes that carry the mark of the demo in this folder."""
    mark = f"{MARK}={folder}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def wait_for(condition: Callable[[], bool], *, within_s: float) -> bool:
    """Whether it became true in time."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def finished(command: list[str], *, env: Mapping[str, str], within_s: float = 60) -> tuple[int, str]:
    """Run a command to its end; its exit code and all it showed."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=CHECKOUT,
        env=dict(env),
        timeout=within_s,
        check=False,
    )
    return done.returncode, done.stdout
