"""What a worker has to send itself while no beat ticks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One line of the schedule: the task is due every ``every_s`` seconds and is sent with ``options``."""

    task: str
    every_s: float
    options: Mapping[str, Any]


def of_queues(
    schedule: Iterable[Mapping[str, Any]],
    *,
    routes: Mapping[str, Mapping[str, str]],
    queues: Collection[str],
    other: str,
) -> list[Tick]:
    """Return the lines whose tasks these queues carry; a task without a route goes to the queue ``other``."""
    return [
        Tick(task=line["task"], every_s=float(line["schedule"]), options=line.get("options", {}))
        for line in schedule
        if routes.get(line["task"], {}).get("queue", other) in queues
    ]


def due(ticks: Iterable[Tick], sent_s: Mapping[str, float], *, now_s: float) -> list[Tick]:
    """Return the lines that were never sent or not for as long as they say; ``sent_s``: task -> when, monotonic."""
    return [tick for tick in ticks if now_s - sent_s.get(tick.task, float("-inf")) >= tick.every_s]
