"""What every load prints, and how it measures a step: from one step's beginning to the next one's, commits included.

Imports nothing of ours: the peers' programs run in an environment of their own.
"""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
from collections import defaultdict

STEPS = 4


class Marks:
    """When the steps of each work began."""

    def __init__(self) -> None:
        self._at: dict[object, list[float]] = defaultdict(list)
        self._lock = threading.Lock()

    def mark(self, work: object) -> None:
        """A step of ``work`` begins."""
        now = time.perf_counter()
        with self._lock:
            self._at[work].append(now)

    def __len__(self) -> int:
        return sum(len(at) for at in self._at.values())

    def latencies_ms(self) -> list[float]:
        """From each step to the next one of the same work."""
        return sorted((b - a) * 1000 for at in self._at.values() for a, b in itertools.pairwise(at))


def tell(*, count: int, seconds: float, marks: Marks | None = None) -> None:
    """Print the figures as one line of JSON, the last one of the program."""
    latencies = marks.latencies_ms() if marks else []
    p99 = latencies[min(len(latencies) - 1, int(0.99 * len(latencies)))] if latencies else None
    sys.stdout.write(json.dumps({"rate": count / seconds, "p99_ms": p99, "steps": len(latencies)}) + "\n")
