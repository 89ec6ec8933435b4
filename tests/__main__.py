"""Every test, in two halves side by side: ``python -m tests``. Options go to both runs of pytest.

The scenarios mostly wait, for processes to die and to come back; beside them there is time for all the others. Each
half has servers of its own. With a database that the environment names there would be one for both: then they follow
each other.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LOG = Path(".mainstay") / "scenarios.log"
SCENARIOS = "tests/scenarios"


def main(options: list[str]) -> int:
    """Run both; return 0 when both passed. The second half's words follow those of the first."""
    others, scenarios = _pytest(f"--ignore={SCENARIOS}", *options), _pytest(SCENARIOS, *options)
    if os.environ.get("DATABASE_URL"):
        return int(any([subprocess.call(others), subprocess.call(scenarios)]))
    LOG.parent.mkdir(exist_ok=True)
    sys.stdout.write(f"The scenarios run at the same time and are told of at the end; until then: tail -f {LOG}\n")
    sys.stdout.flush()
    with LOG.open("wb") as log, subprocess.Popen(scenarios, stdout=log, stderr=subprocess.STDOUT) as beside:
        try:
            ended = subprocess.call(others)
            if beside.poll() is None:
                sys.stdout.write("Waiting for the scenarios.\n")
                sys.stdout.flush()
            beside.wait()
        except KeyboardInterrupt:  # the terminal tells both halves too: let each end its servers
            beside.wait()
            return 130
    sys.stdout.write(LOG.read_text(errors="replace"))
    return int(bool(ended or beside.returncode))


def _pytest(*words: str) -> list[str]:
    return [sys.executable, "-m", "pytest", *words]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
