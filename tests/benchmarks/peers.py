"""Peers of a benchmark, each set in an environment of its own: they need not live with our versions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from reliability.embedded import stack


def python_with(name: str, requirements: Path) -> tuple[Path | None, str]:
    """Return the interpreter of an environment that has these, made when it is missing; None and why not."""
    place = stack.ROOT / f"peers-{name}"
    python = place / "bin" / "python"
    if not python.exists():
        made = subprocess.run([sys.executable, "-m", "venv", str(place)], capture_output=True, text=True, check=False)
        if made.returncode:
            return None, made.stderr.strip().splitlines()[-1]
    words = [str(python), "-m", "pip", "install", "-q", "-r", str(requirements)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return (python, "") if done.returncode == 0 else (None, (done.stderr.strip().splitlines() or ["pip failed"])[-1])
