"""What a start tells the person in front of it."""

from __future__ import annotations

import contextlib
import sys
import threading

from reliability.kernel import clock


class Output:
    """Lines with the time since the start. Keeps silent when the terminal is gone: an ordered end matters more."""

    def __init__(self) -> None:
        """Count from now."""
        self._began = clock.SYSTEM.monotonic()
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """One line with the seconds since the start."""
        self.write(f"{clock.SYSTEM.monotonic() - self._began:6.1f} s  {text}")

    def write(self, text: str) -> None:
        """Text as it is."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    def box(self, lines: list[str]) -> None:
        """Lines in a frame, to be found at a glance."""
        width = max(map(len, lines))
        frame = "+" + "-" * (width + 4) + "+"
        self.write("\n".join(["", frame, *(f"|  {line:<{width}}  |" for line in lines), frame, ""]))
