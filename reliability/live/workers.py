"""Celery's processes, whose loops are not ours: their heartbeats, and what their log lines name."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from typing import Any

from celery import signals

from reliability.kernel.telemetry import logs
from reliability.live import operations

_ends: list[Callable[[], None]] = []


def connect() -> None:
    """Beat while a Celery worker or beat runs in this process; called once at start."""
    signals.worker_ready.connect(_worker_is_ready, weak=False)
    signals.worker_shutdown.connect(_ended, weak=False)
    atexit.register(_ended)  # beat has no signal for its end
    signals.beat_init.connect(_beat_is_ready, weak=False)
    signals.task_prerun.connect(_task_begins, weak=False)


def _worker_is_ready(sender: Any = None, **kwargs: Any) -> None:
    """``relay@host`` beats as ``worker-relay``."""
    _begin(f"worker-{str(sender.hostname).partition('@')[0]}")


def _beat_is_ready(**kwargs: Any) -> None:
    _begin("beat")


def _task_begins(task_id: str = "", task: Any = None, **kwargs: Any) -> None:
    """Lines of a task name it, and nothing of the task before it on this thread."""
    logs.clear()
    logs.bind(task=task.name, task_id=task_id)


def _begin(name: str) -> None:
    _ends.append(operations.beat_in_background(name))


def _ended(**kwargs: Any) -> None:
    while _ends:
        _ends.pop()()
