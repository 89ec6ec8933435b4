"""Tests in parts side by side: ``python -m tests everything`` or ``python -m tests scenarios``.

Scenarios mostly wait, for processes to die and to come back, and a browser waits for pages; beside them there is time
for others. Each part has servers of its own. With a database that the environment names there would be one for all:
then they follow each other. Further words go to every run of pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from reliability.embedded import maven, stack

LOGS = Path(".mainstay")
SCENARIOS = "tests/scenarios"
PAGES = "tests/functional/pages"
RELAY, REPLAY, SETUP = (f"{SCENARIOS}/{folder}" for folder in ("relay", "replay", "setup"))
WAITING = [f"{SCENARIOS}/test_{name}.py" for name in ("outages", "read_twice", "bad_input", "viewer")]
PARTS = {
    "everything": ([f"--ignore={SCENARIOS}", f"--ignore={PAGES}"], [SCENARIOS, PAGES]),
    "scenarios": (
        [RELAY],
        [REPLAY, SETUP],
        WAITING,
        [SCENARIOS, *(f"--ignore={part}" for part in (RELAY, REPLAY, SETUP, *WAITING))],
    ),
}


def main(what: str, *options: str) -> int:
    """Run all parts; return 0 when each passed. The words of the others follow those of the first."""
    first, *others = ([sys.executable, "-m", "pytest", *part, *options] for part in PARTS[what])
    if os.environ.get("DATABASE_URL"):
        return int(any([subprocess.call(part) for part in (first, *others)]))
    LOGS.mkdir(exist_ok=True)
    maven.class_path(caches=maven.caches(stack.ROOT / "maven"), say=_say)  # once, not by all parts at a time
    beside = []
    for number, part in enumerate(others, start=1):
        log = LOGS / f"beside-{number}.log"
        _say(f"{' '.join(PARTS[what][number])} runs at the same time; until it is told of at the end: tail -f {log}")
        with log.open("wb") as words:
            beside.append((log, subprocess.Popen(part, stdout=words, stderr=subprocess.STDOUT)))
    try:
        ended = subprocess.call(first)
        for log, process in beside:
            if process.poll() is None:
                _say(f"Waiting for what is in {log}.")
            process.wait()
    except KeyboardInterrupt:  # the terminal tells every part too: let each end its servers
        for _, process in beside:
            process.wait()
        return 130
    for log, _ in beside:
        _say(log.read_text(errors="replace"))
    return int(bool(ended or any(process.returncode for _, process in beside)))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
