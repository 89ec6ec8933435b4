"""Picks the lines of a child's log that a person should see, and keeps the file from growing without end."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

# In what the servers and a dying Python write; our own processes write JSON with a level.
IMPORTANT = ("PANIC:", "FATAL:")
TRACEBACK = "Traceback (most recent call last)"
LEVELS = ("error", "critical")
# A child that fails in a loop must not push everything else off the screen: each text once, and few lines, per minute.
LINES_MAX = 5
PER_S = 60.0
# What differs between two lines that say the same: identifiers and numbers.
CHANGING = re.compile(r"[0-9a-f-]{8,}|\d+")
READ_MAX_BYTES = 65_536
FILE_MAX_BYTES = 64 * 1024 * 1024
SHOWN_MAX_CHARACTERS = 300


class LogWatch:
    """Follows one log file from its present end."""

    def __init__(self, path: Path) -> None:
        """Begin at the end of the file."""
        self._path = path
        self._position = path.stat().st_size if path.exists() else 0
        self._window_began_s = 0.0
        self._in_traceback = False
        self._shown: set[str] = set()

    def important(self, *, now_s: float) -> list[str]:
        """The important lines written since the last call."""
        text = self._new_text()
        if now_s - self._window_began_s >= PER_S:
            self._window_began_s, self._shown = now_s, set()
        found = [line[:SHOWN_MAX_CHARACTERS] for line in self._important_of(text)]
        kinds = {CHANGING.sub("#", line): line for line in reversed(found)}  # the first of each kind stays
        new = [kind for kind in reversed(kinds) if kind not in self._shown][: LINES_MAX - len(self._shown)]
        self._shown.update(new)
        return [kinds[kind] for kind in new]

    def _important_of(self, text: str) -> Iterator[str]:
        for line in text.splitlines():
            if not line.startswith("{") and TRACEBACK in line:
                self._in_traceback = True
            elif self._in_traceback and line and not line.startswith(" "):
                self._in_traceback = False  # the line that names the error
                yield line
            elif shown := for_people(line):
                yield shown

    def _new_text(self) -> str:
        try:
            size = self._path.stat().st_size
            if size > FILE_MAX_BYTES:
                os.truncate(self._path, 0)  # children append, so they go on at the new end
                size = 0
            if size < self._position:
                self._position = 0
            if size == self._position:
                return ""
            with self._path.open("rb") as log:
                log.seek(max(self._position, size - READ_MAX_BYTES))
                text = log.read(READ_MAX_BYTES)
            self._position = size
        except OSError:
            return ""
        return text.decode(errors="replace")


def for_people(line: str) -> str:
    """What to show of a log line: nothing when it is not important, of a JSON one its event and error."""
    if not line.startswith("{"):
        return line if any(word in line for word in IMPORTANT) else ""
    try:
        entry = json.loads(line)
    except ValueError:
        return ""
    if entry.get("level") not in LEVELS:
        return ""
    error = str(entry.get("error") or entry.get("exception") or "").strip().splitlines()
    event = str(entry.get("event", "")).strip().splitlines()
    return ": ".join([entry["level"], *event[:1], *error[-1:]])


def turn(path: Path) -> None:
    """Put the log of the last start aside (`.1`), so that a start begins with an empty one."""
    with contextlib.suppress(FileNotFoundError):
        path.replace(path.with_name(path.name + ".1"))
