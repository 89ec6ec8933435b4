"""One program running under this process: started, watched, stopped, never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reliability.embedded import waiting
from reliability.embedded.account import Account

LAUNCHER = Path(__file__).with_name("launch.py")
TAIL_BYTES = 16_384


@dataclass(slots=True, kw_only=True)
class Child:
    """A program in a session of its own: a Ctrl-C in the terminal reaches only this process, which stops all in order.

    `start` must be called from a thread that lives as long as the child: the kernel's death signal follows the starting
    thread, not the process.
    """

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGTERM
    stop_within_s: float = 10.0
    # False when a new start would have another address, which those who know the old one could not follow.
    restarts: bool = True
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _asked: bool = field(default=False, init=False)

    def start(self) -> None:
        """Start the program; its output is appended to the log file."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        identity = self.account.identity if self.account else "-"
        command = [
            sys.executable,
            "-I",
            "-S",
            str(LAUNCHER),
            str(os.getpid()),
            str(int(self.death_signal)),
            identity,
            *self.argv,
        ]
        self._asked = False
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(self.env) if self.env is not None else None,
                cwd=self.cwd,
                start_new_session=True,
            )

    @property
    def pid(self) -> int | None:
        """The process id, also after the end; None before the first start."""
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        """The exit code (negative: the signal that ended it); None while running and before the first start."""
        return self._process.poll() if self._process else None

    @property
    def running(self) -> bool:
        """Whether the program runs."""
        return self._process is not None and self._process.poll() is None

    def ask_to_stop(self) -> None:
        """Send the stop signal, once (to many programs a second one means: at once), to the program alone.

        It ends its own children in its own order.
        """
        if self._process is not None and self.running and not self._asked:
            self._asked = True
            self._process.send_signal(self.stop_signal)

    def strike(self) -> None:
        """End the program and everything it started, without waiting: safe inside a signal handler."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def kill(self) -> None:
        """End the program and everything it started, at once, and wait for its end."""
        self.strike()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> bool:
        """Stop in order within `stop_within_s`, then kill what is left of its group; True when it ended by itself."""
        self.ask_to_stop()
        ended = waiting.until(lambda: not self.running, timeout_s=self.stop_within_s)
        self.kill()
        return ended

    def tail(self, *, lines: int = 15) -> list[str]:
        """The last lines of the log, for a message about a crash."""
        try:
            with self.log.open("rb") as output:
                output.seek(max(0, output.seek(0, os.SEEK_END) - TAIL_BYTES))
                return output.read().decode(errors="replace").splitlines()[-lines:]
        except OSError:
            return []
