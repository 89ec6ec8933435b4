"""What many processes with one breaker do together."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from kinds import Failed, Guarded, end, make, trip  # type: ignore[import-not-found]

FORK = multiprocessing.get_context("fork")
Found = dict[str, Any]


def crowd(count: int, work: Callable[[int, Any], Any]) -> list[Any]:
    """Run ``work(number, barrier)`` in so many processes; return what each found."""
    barrier, answers = FORK.Barrier(count), FORK.SimpleQueue()

    def run(number: int) -> None:
        answers.put(work(number, barrier))
        end()

    children = [FORK.Process(target=run, args=(number,)) for number in range(count)]
    for child in children:
        child.start()
    found = [answers.get() for _ in children]
    for child in children:
        child.join()
    return found


def herd(kind: str, url: str, binary: str) -> Found:
    """Sixteen processes call at once when an open breaker may be tried; three may."""

    def work(number: int, barrier: Any) -> Any:
        guarded = make(kind, url, open_s=2.0)
        trip(guarded)
        barrier.wait()
        time.sleep(2.3)
        barrier.wait()
        return guarded.ask(takes_s=0.4)

    found = Counter(crowd(16, work))
    return {"admitted": found["ok"], "of": 16}


def pooled(kind: str, url: str, binary: str) -> Found:
    """Eight processes with fifteen failing calls each, of twenty that open a breaker; 20 ms between two calls."""

    def work(number: int, barrier: Any) -> Any:
        guarded = make(kind, url, minimum=20, open_s=30.0)
        guarded.ask() if kind != "pybreaker" else None
        barrier.wait()
        made = 0
        for _ in range(15):
            made += guarded.ask(fails=True) == "failed"
            time.sleep(0.02)
        time.sleep(1.5)
        return made, guarded.ask(fails=True) == "rejected"

    found = crowd(8, work)
    return {"made": sum(made for made, _ in found), "of": 120, "open_in": sum(is_open for _, is_open in found)}


def fleet(kind: str, url: str, binary: str) -> Found:
    """Sixteen processes call each 5 ms; from a moment on all calls fail."""
    fails_at_s = FORK.Value("d", 0.0)

    def work(number: int, barrier: Any) -> Any:
        guarded: Guarded = make(kind, url, open_s=3.0)
        guarded.ask()
        barrier.wait()
        time.sleep(0.5)
        if number == 0:
            fails_at_s.value = time.monotonic() + 1.0
        barrier.wait()
        made: list[float] = []
        rejected: list[float] = []

        def dependency() -> None:
            if time.monotonic() >= fails_at_s.value:
                made.append(time.monotonic())
                raise Failed

        while time.monotonic() < fails_at_s.value + 3.0:
            try:
                guarded.call(dependency)
            except guarded.rejects:
                rejected.append(time.monotonic())
            except Failed:
                pass
            time.sleep(0.005)
        return made, rejected

    found = crowd(16, work)
    first_s = min(made[0] for made, _ in found if made)
    silent = sum(not rejected for _, rejected in found)
    if silent:
        return {"all_s": None, "leaked": None, "silent": silent}
    all_s = max(rejected[0] for _, rejected in found)
    before = sum(len([at for at in made if at <= all_s]) for made, _ in found)
    leaked = sum(len([at for at in made if all_s < at < first_s + 2.8]) for made, _ in found)
    return {"all_ms": round((all_s - first_s) * 1000), "before": before, "leaked": leaked, "silent": 0}
