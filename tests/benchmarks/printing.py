"""How a benchmark says its figures: aligned lines on the terminal, ratios beside absolute values."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence


def heading(text: str) -> None:
    """Start a block of figures."""
    sys.stdout.write(f"\n{text}\n{'-' * len(text)}\n")


def figure(name: str, value: str, note: str = "") -> None:
    """Print one figure."""
    sys.stdout.write(f"  {name:<46} {value:>16}  {note}\n")
    sys.stdout.flush()


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def rate(count: int, work: Callable[[], None]) -> float:
    """Run ``work`` once; return ``count`` per second of wall time."""
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def memory_mb(pid: int) -> float:
    """Return a process' proportional share of memory in MB: what it adds, with shared pages split among their users."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        return next(int(line.split()[1]) for line in rollup if line.startswith("Pss:")) / 1024


def cpu_s(pid: int) -> float:
    """Return the processor seconds a process has used."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                    parent = int(stat.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found
