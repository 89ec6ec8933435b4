"""`.mainstay/state.json`: what scripts, commands and people need to know of the running demo."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

from reliability.embedded import waiting
from reliability.embedded.folder import write_private

NAME = "state.json"
# Every child of a demo carries the demo's folder in this variable: that is how a left-over one is known from a stranger
# that was given its number later.
MARK = "MAINSTAY_DEMO_FOLDER"
LEFT_OVER_WITHIN_S = 10.0


def write(folder: Path, facts: dict[str, Any]) -> None:
    """Write the state, readable by its owner alone."""
    write_private(folder / NAME, json.dumps(facts, indent=1) + "\n")


def read(folder: Path) -> dict[str, Any]:
    """The state of the running or last demo; empty when there is none."""
    try:
        facts = json.loads((folder / NAME).read_text())
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def remove(folder: Path) -> None:
    """There is no running demo any more."""
    (folder / NAME).unlink(missing_ok=True)


def end_left_over(folder: Path) -> list[str]:
    """End what a killed supervisor left behind and remove its state; returns the names of what still ran.

    They got a death signal: most are gone or going.
    """
    state = read(folder)
    remove(folder)  # before anything else: nobody may take it for the state of the demo that starts now
    known = {**state.get("servers", {}), **state.get("processes", {})}
    left = {name: pid for name, pid in known.items() if _is_ours(pid, folder)}
    if not waiting.until(lambda: not any(_is_ours(pid, folder) for pid in left.values()), timeout_s=LEFT_OVER_WITHIN_S):
        for pid in left.values():
            if _is_ours(pid, folder):
                os.killpg(pid, signal.SIGKILL)
    return list(left)


def _is_ours(pid: int, folder: Path) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return f"{MARK}={folder}".encode() in environment.split(b"\0")
