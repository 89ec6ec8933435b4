"""Heartbeats of Celery's processes, whose loops are not ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import signals

from reliability.live import operations

_ends: list[Callable[[], None]] = []


def connect() -> None:
    """Beat while a Celery worker or beat runs in this process; called once at start."""
    signals.worker_ready.connect(_worker_is_ready, weak=False)
    signals.worker_shutdown.connect(_ended, weak=False)
    signals.beat_init.connect(_beat_is_ready, weak=False)


def _worker_is_ready(sender: Any = None, **kwargs: Any) -> None:
    """``relay@host`` beats as ``worker-relay``."""
    _begin(f"worker-{str(sender.hostname).partition('@')[0]}")


def _beat_is_ready(**kwargs: Any) -> None:
    _begin("beat")


def _begin(name: str) -> None:
    _ends.append(operations.beat_in_background(name))


def _ended(**kwargs: Any) -> None:
    while _ends:
        _ends.pop()()
