"""Celery's entrances: a turn of the rules, and taking messages out."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from celery import shared_task
from django.db import connections

from reliability.alerts.evaluator.turn import turn
from reliability.alerts.operations import delivering, forgetting
from reliability.kernel import clock

AT_ONCE: Final = 4
"""Channels of which one that hangs keeps none of the others waiting."""
_turning = threading.Lock()
_delivering = threading.Lock()


@shared_task(name="alerts.evaluate", ignore_result=True)
def evaluate() -> None:
    """Look at everything; a turn that is under way in this process is enough."""
    if not _turning.acquire(blocking=False):
        return
    try:
        turn()
    finally:
        _turning.release()


@shared_task(name="alerts.deliver", ignore_result=True)
def deliver() -> None:
    """Take what is due to each channel, channels side by side."""
    if not _delivering.acquire(blocking=False):
        return
    try:
        due = delivering.due_channels(now=clock.SYSTEM.now())
        if due:
            with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="alerts") as pool:
                list(pool.map(_one, due))
    finally:
        _delivering.release()


def _one(channel: str) -> None:
    try:
        delivering.deliver(channel, random=random.random)
    finally:
        connections.close_all()  # this thread's own


@shared_task(name="alerts.forget", ignore_result=True)
def forget() -> None:
    """Delete what is older than it is kept."""
    forgetting.forget(now=clock.SYSTEM.now())
