"""Celery's entrances: a turn of the rules, and taking messages out."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime
from functools import cache
from typing import Final

import structlog
from celery import shared_task
from celery.signals import worker_shutting_down
from django.db import connections

from reliability.alerts.domain.answer import Answer
from reliability.alerts.domain.channels import Channel
from reliability.alerts.domain.message import Message
from reliability.alerts.evaluator.turn import turn
from reliability.alerts.operations import delivering, forgetting, watching
from reliability.kernel import clock
from reliability.kernel.process import set_soon

log = structlog.get_logger(__name__)

AT_ONCE: Final = 20
"""As many channels as there may be: one that hangs keeps none of the others waiting."""
AWAITED_S: Final = 1.0
"""What takes longer goes on in its own thread; the task itself makes room for others of its queue."""
AWAKE_S: Final = 180.0
"""So long a worker gives the others before it says that nobody looks: after a night without any, all begin at once."""
_turning = threading.Lock()
_busy: set[str] = set()
_choosing = threading.Lock()
_ending = threading.Event()


@worker_shutting_down.connect
def end(**_: object) -> None:
    """Let threads end after the message that they are at: one that is killed over it would tell it twice."""
    set_soon(_ending)


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
    """Take what is due to each channel, channels side by side; one that is still busy is left to its own thread."""
    if clock.SYSTEM.monotonic() - _awake_since() > AWAKE_S:
        watching.watch(now=clock.SYSTEM.now())
    due = delivering.due_channels(now=clock.SYSTEM.now())
    wait([_pool().submit(_one, channel) for channel in due if _is_chosen(channel)], timeout=AWAITED_S)


@cache
def _awake_since() -> float:
    """When this process delivered for the first time."""
    return clock.SYSTEM.monotonic()


@cache
def _pool() -> ThreadPoolExecutor:
    """Made when it is first needed: threads do not outlive a fork."""
    return ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="alerts")


def _is_chosen(channel: str) -> bool:
    with _choosing:
        if channel in _busy:
            return False
        _busy.add(channel)
        return True


def _one(channel: str) -> None:
    try:
        delivering.deliver(channel, random=random.random, send=_unconnected, is_ending=_ending.is_set)
    except Exception:  # nobody waits for this thread: what it meets is told here, and its message waits for the next
        log.exception("alert_channel_failed", channel=channel)
    finally:
        connections.close_all()  # this thread's own
        with _choosing:
            _busy.discard(channel)


def _unconnected(channel: Channel, told: Message, number: str, now: datetime) -> Answer:
    """Send without a connection to the database in hand: others want one while a receiver takes its time."""
    connections.close_all()
    return delivering.really(channel, told, number, now)


@shared_task(name="alerts.forget", ignore_result=True)
def forget() -> None:
    """Delete what is older than it is kept."""
    forgetting.forget(now=clock.SYSTEM.now())
