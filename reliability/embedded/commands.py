"""Programs that set-up runs to their end. Standard library only."""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reliability.embedded.refusal import Refusal

LINES_SHOWN = 12
# What uv, pip and npm say of their progress; everything else is shown only when they fail.
PROGRESS = ("Downloading", "Prepared", "Installed", "added ")
WITHOUT_NETWORK = "If this machine is not connected: set-up needs the Python index and the npm registry once."

Command = Sequence[str | Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """Runs programs in one folder with one environment."""

    folder: Path
    env: Mapping[str, str]
    say: Callable[[str], None]

    def run(self, command: Command, *, doing: str, env: Mapping[str, str] | None = None) -> None:
        """Run to the end, telling its progress; raises `Refusal` with its last lines when it fails."""
        last: deque[str] = deque(maxlen=LINES_SHOWN)
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            env={**self.env, **(env or {})},
        ) as work:
            for line in work.stdout or ():
                last.append(line.strip())
                if last[-1].startswith(PROGRESS):
                    self.say(f"  {last[-1]}")
        if work.returncode != 0:
            raise Refusal("\n".join([f"{doing} failed. {WITHOUT_NETWORK} The last lines:", *last]))

    def answer(self, command: Command) -> str | None:
        """What it writes to its output; None when it does not run or fails."""
        try:
            done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, env=self.env, check=False)
        except OSError:
            return None
        return done.stdout if done.returncode == 0 else None
