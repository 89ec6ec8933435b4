"""What a start tells the person in front of it."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Mapping

from reliability.kernel import clock

BEGAN = "MAINSTAY_BEGAN"
"""Seconds since 1970 at which `make` began: set-up and demo are two programs, and their lines have one clock."""
AGO_S_MAX = 3600.0  # older is a left-over of another start


class Output:
    """Lines with the time since the start. Keeps silent when the terminal is gone: an ordered end matters more."""

    def __init__(self) -> None:
        """Count from when `make` began, else from now."""
        self._began = clock.SYSTEM.monotonic() - began_ago_s(os.environ, now_s=clock.SYSTEM.now().timestamp())
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


def began_ago_s(environment: Mapping[str, str], *, now_s: float) -> float:
    """Return for how many seconds the start has been under way; 0 when nobody said so, or nothing that can be."""
    began = environment.get(BEGAN, "")
    ago_s = now_s - int(began) if began.isascii() and began.isdecimal() else 0.0
    return ago_s if 0 <= ago_s <= AGO_S_MAX else 0.0
