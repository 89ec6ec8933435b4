"""Tests in two halves side by side: ``python -m tests everything`` or ``python -m tests scenarios``.

Scenarios often wait, for processes to die and to come back, and a browser waits for pages; beside them there is time
for others, not for more than two at once on two cores (tried). Each half has servers of its own. With a database that
the environment names there would be one for both: then they follow each other. Further words go to both runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from reliability.embedded import maven, stack

LOG = Path(".mainstay") / "beside.log"
SCENARIOS = "tests/scenarios"
PAGES = "tests/functional/pages"
FIRST = [f"{SCENARIOS}/{part}" for part in ("relay", "replay", "setup", "lag", "test_topics_deleted.py")]
# What waits most beside what computes most, in two lots of the same length.
WAITING = [
    str(path)
    for path in sorted(Path(SCENARIOS).iterdir())
    if path.name.startswith("test_") or path.name in ("relay", "replay", "setup")
]
HALVES = {
    "everything": ([f"--ignore={each}" for each in (*WAITING, PAGES)], [*WAITING, PAGES]),
    "scenarios": (FIRST, [SCENARIOS, *(f"--ignore={part}" for part in FIRST)]),
}


def main(what: str, *options: str) -> int:
    """Run both halves; return 0 when both passed. The second one's words follow those of the first."""
    first, second = ([sys.executable, "-m", "pytest", *half, *options] for half in HALVES[what])
    if os.environ.get("DATABASE_URL"):
        return int(any([subprocess.call(first), subprocess.call(second)]))
    LOG.parent.mkdir(exist_ok=True)
    maven.class_path(caches=maven.caches(stack.ROOT / "maven"), say=_say)  # once, not by both halves at a time
    _say(f"{' '.join(HALVES[what][1])} runs at the same time and is told of at the end; until then: tail -f {LOG}")
    with LOG.open("wb") as log, subprocess.Popen(second, stdout=log, stderr=subprocess.STDOUT) as beside:
        try:
            ended = subprocess.call(first)
            if beside.poll() is None:
                _say("Waiting for the other half.")
            beside.wait()
        except KeyboardInterrupt:  # the terminal tells both halves too: let each end its servers
            beside.wait()
            return 130
    _say(LOG.read_text(errors="replace"))
    return int(bool(ended or beside.returncode))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
