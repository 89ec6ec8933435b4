"""`python -m reliability.embedded demo [FOLDER] | doctor | clean | lock-kafka`."""

from __future__ import annotations

import sys
from pathlib import Path

from reliability.embedded import demo, doctor, maven, stack
from reliability.embedded.refusal import Refusal

STILL_IN_USE = 3  # tells the Makefile to remove nothing; any other failure means that this program itself is broken


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code."""
    match arguments:
        case ["demo"]:
            return demo.run(stack.ROOT)
        case ["demo", folder]:
            return demo.run(Path(folder))
        case ["doctor"]:
            return _doctor()
        case ["clean"]:
            return _clean()
        case ["lock-kafka"]:
            sys.stdout.write(f"{maven.write_lock()} jars locked in {maven.LOCK}\n")
            return 0
    sys.stderr.write(f"{__doc__}\n")
    return 2


def _doctor() -> int:
    facts = doctor.facts()
    for name, well, text in facts:
        sys.stdout.write(f"{'OK' if well else 'WARN':5} {name:20} {text}\n")
    return 0 if all(well for _, well, _ in facts) else 1


def _clean() -> int:
    try:
        stack.clean(stack.ROOT)
    except Refusal as refusal:
        sys.stderr.write(f"make clean: {refusal} End it first.\n")
        return STILL_IN_USE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
