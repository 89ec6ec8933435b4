"""Celery's entrance: a turn of the evaluator."""

from __future__ import annotations

import threading

from celery import shared_task

from reliability.degradation import registry
from reliability.degradation.evaluator.turn import turn
from reliability.degradation.operations import recording
from reliability.kernel.clock import SYSTEM

_turning = threading.Lock()


@shared_task(name="degradation.evaluate", ignore_result=True)
def evaluate() -> None:
    """Have policies look at their signals; a turn that is under way in this process is enough."""
    if not _turning.acquire(blocking=False):
        return
    try:
        turn(now=SYSTEM.now(), declared=registry.declarations())
    finally:
        _turning.release()


@shared_task(name="degradation.forget", ignore_result=True)
def forget() -> None:
    """Delete history and samples that are older than they are kept."""
    recording.forget(now=SYSTEM.now())
