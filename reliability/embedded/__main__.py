"""`python -m reliability.embedded demo [FOLDER] | clean | lock-kafka`."""

from __future__ import annotations

import sys
from pathlib import Path

from reliability.embedded import demo, maven, stack


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code."""
    match arguments:
        case ["demo"]:
            return demo.run(stack.ROOT)
        case ["demo", folder]:
            return demo.run(Path(folder))
        case ["clean"]:
            return stack.clean(stack.ROOT)
        case ["lock-kafka"]:
            sys.stdout.write(f"{maven.write_lock()} jars locked in {maven.LOCK}\n")
            return 0
    sys.stderr.write(f"{__doc__}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
