"""What a call through a breaker costs, beside a bare one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from kinds import make, trip  # type: ignore[import-not-found]

CALLS, ROUNDS = 20_000, 9


def nothing() -> None:
    """A dependency that answers at once."""


def speed(kind: str, url: str, binary: str) -> dict[str, Any]:
    """Microseconds per call: bare, through a closed breaker as a decorator, and rejected by an open one; the best of
    some rounds, which take turns."""
    calls = CALLS // 20 if kind == "pybreaker-redis" else CALLS
    closed = make(kind, url, minimum=1_000_000).wrap(nothing)
    bare_us, closed_us = [], []
    for _ in range(ROUNDS):
        bare_us.append(_each_us(nothing, CALLS))
        closed_us.append(_each_us(closed, calls))
    return {"bare_us": min(bare_us), "closed_us": min(closed_us)}


def rejecting(kind: str, url: str, binary: str) -> dict[str, Any]:
    """Microseconds per rejected call, the exception and its catching included."""
    guarded = make(kind, url, open_s=600.0)
    trip(guarded)
    call, rejects = guarded.wrap(nothing), guarded.rejects

    def rejected() -> None:
        try:
            call()
        except rejects:
            pass
        else:
            raise AssertionError("it let a call pass")

    calls = CALLS // 20 if kind == "pybreaker-redis" else CALLS
    bare_us, open_us = [], []
    for _ in range(ROUNDS):
        bare_us.append(_each_us(nothing, CALLS))
        open_us.append(_each_us(rejected, calls))
    return {"bare_us": min(bare_us), "open_us": min(open_us)}


def _each_us(call: Callable[[], Any], calls: int) -> float:
    began_ns = time.perf_counter_ns()
    for _ in range(calls):
        call()
    return (time.perf_counter_ns() - began_ns) / calls / 1000
