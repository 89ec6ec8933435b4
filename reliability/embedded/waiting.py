"""Waiting for something outside this process to become true."""

from __future__ import annotations

from collections.abc import Callable

from reliability.kernel import clock

STEP_S = 0.05


def until(condition: Callable[[], bool], *, timeout_s: float, step_s: float = STEP_S) -> bool:
    """Ask `condition` every `step_s` seconds; True as soon as it holds, False when it did not within `timeout_s`."""
    end = clock.SYSTEM.monotonic() + timeout_s
    while not condition():
        if clock.SYSTEM.monotonic() >= end:
            return False
        clock.SYSTEM.sleep(step_s)
    return True
