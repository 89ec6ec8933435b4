"""Tests in lots side by side: ``python -m tests everything`` or ``python -m tests scenarios``.

Scenarios often wait, for processes to die and to come back, and a browser waits for pages; beside them there is time
for others. ``make test`` leaves the long proofs (``slow``) to ``make scenarios``. Each lot has servers of its own. With
a database that the environment names there would be one for all: then they follow each other. Further words go to every
run of pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from reliability.embedded import maven, stack

LOGS = Path(".mainstay")
SCENARIOS = "tests/scenarios"
FIRST = [
    f"{SCENARIOS}/{part}"
    for part in ("relay", "replay", "setup", "lag", "test_topics_deleted.py", "test_outages.py", "test_viewer.py")
]
# Most tests wait, for a page, a broker, a process to die: four lots of about the same length keep two cores busy.
PAGES = ["tests/functional", "tests/integration/embedded"]
RECORDS = ["tests/contracts", *(f"tests/integration/{room}" for room in ("consume", "dlq", "lag", "outbox", "path"))]
WAITING = [SCENARIOS, "tests/integration/kafka", "tests/integration/deploy"]
QUICK = ["-m", "not benchmark and not slow"]
LOTS = {
    "everything": {
        "first": [*QUICK, *(f"--ignore={each}" for each in (*WAITING, *PAGES, *RECORDS))],
        "pages": [*QUICK, *PAGES],
        "records": [*QUICK, *RECORDS],
        "scenarios": [*QUICK, *WAITING],
    },
    "scenarios": {
        "first": FIRST,
        "beside": [SCENARIOS, *(f"--ignore={part}" for part in FIRST)],
        "pages": ["-m", "slow", *PAGES],
    },
}


@dataclass(frozen=True, slots=True)
class Beside:
    """A run in the background; its words stand in a file until its end."""

    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def begin(cls, name: str, words: list[str]) -> Beside:
        """Start it."""
        log = LOGS / f"{name}.log"
        with log.open("wb") as out:
            return cls(subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT), log)

    def end(self) -> int:
        """Wait for its end and say its words; return its exit code."""
        code = self.process.wait()
        _say(self.log.read_text(errors="replace"))
        return code


def main(what: str, *options: str) -> int:
    """Run every lot; return 0 when all passed. The words of those beside follow those of the first."""
    first, *others = [(name, [sys.executable, "-m", "pytest", *words, *options]) for name, words in LOTS[what].items()]
    if os.environ.get("DATABASE_URL"):
        codes = [subprocess.call(words) for _, words in (first, *others)]  # all of them, whatever became of the first
        return int(any(codes))
    LOGS.mkdir(exist_ok=True)
    maven.class_path(caches=maven.caches(stack.ROOT / "maven"), say=_say)  # once, not by each lot at a time
    for name, words in others:
        _say(f"{' '.join(words[3:])}: at the same time, told at the end; until then: tail -f {LOGS / name}.log")
    beside = [Beside.begin(name, words) for name, words in others]
    try:
        ended = [subprocess.call(first[1])]
        if any(each.process.poll() is None for each in beside):
            _say("Waiting for those beside.")
        ended += [each.end() for each in beside]
    except KeyboardInterrupt:  # the terminal tells every lot too: let each end its servers
        for each in beside:
            each.process.wait()
        return 130
    return int(any(ended))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
