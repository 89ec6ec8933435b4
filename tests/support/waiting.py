"""Waiting for something outside the test."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(
    holds: Callable[[], object], *, within_s: float, what: str | Callable[[], str], every_s: float = 0.2
) -> None:
    """Wait until ``holds()``; fail with ``what`` after ``within_s`` seconds."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {within_s:.0f} s: {what if isinstance(what, str) else what()}")
        time.sleep(every_s)
