"""A shell in a terminal of its own, as a person has it: what is typed, what is shown, Ctrl-C."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

INTERRUPT = "\x03"


class Terminal:
    """An interactive bash in a folder; everything it shows is kept."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.shown = ""
        self._seen = 0
        self._commands = 0
        self.pid, self._file = pty.fork()
        if self.pid == 0:  # the shell's side
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)  # a run in the background ignores some: no shell could trap them
            os.chdir(folder)
            os.execvpe("bash", ["bash", "--noprofile", "--norc", "-i"], {**env, "TERM": "dumb", "PS1": "$ ", "PS2": ""})

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the shell, and whatever it started and left running."""
        os.close(self._file)
        deadline = time.monotonic() + 20
        while os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.05)
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                session = (process / "stat").read_text().rpartition(")")[2].split()[3]
                if session == str(self.pid):
                    os.kill(int(process.name), signal.SIGKILL)

    def type(self, text: str) -> None:
        """Type some lines, without waiting for what follows."""
        os.write(self._file, text.encode())

    def wait_for(self, pattern: str, *, within_s: float) -> re.Match[str]:
        """Wait until something is shown after what was waited for before; fail with everything shown."""
        deadline = time.monotonic() + within_s
        start = self._seen
        while (found := re.compile(pattern).search(self.shown, start)) is None:
            left = deadline - time.monotonic()
            assert left > 0, f"{pattern!r} was not shown within {within_s:.0f} s, but:\n{self.shown}"
            if select.select([self._file], [], [], left)[0]:
                self.shown += os.read(self._file, 65_536).decode(errors="replace").replace("\r\n", "\n")
        self._seen = found.end()
        return found

    def run(self, block: str, *, within_s: float = 60) -> str:
        """Type a block and wait for its end; return what was shown, fail if its last command did."""
        self.type(block)
        return self.ended(within_s=within_s)

    def ended(self, *, within_s: float = 60) -> str:
        """Wait for the end of what was typed; return what was shown since, fail if the last command failed."""
        start = self._seen
        self._commands += 1
        self.type(f'echo "number {self._commands} ended with $?"\n')
        code = self.wait_for(rf"\nnumber {self._commands} ended with (\d+)\n", within_s=within_s)
        assert code[1] == "0", self.shown
        return self.shown[start : code.start()]
