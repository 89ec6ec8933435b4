"""Celery's entrance: a turn of the recorder."""

from __future__ import annotations

import threading

import structlog
from celery import shared_task

from reliability.breakers.operations import recording
from reliability.breakers.recorder.recording import step
from reliability.breakers.stores.port import Unreachable
from reliability.kernel.clock import SYSTEM

log = structlog.get_logger(__name__)

_recording = threading.Lock()


@shared_task(name="breakers.record", ignore_result=True)
def record() -> None:
    """Write down what the fleet's store knows for a while only."""
    if not _recording.acquire(blocking=False):
        return
    try:
        step(now=SYSTEM.now())
    except Unreachable as error:
        log.warning("breakers_not_recorded", error=str(error))
    finally:
        _recording.release()


@shared_task(name="breakers.forget", ignore_result=True)
def forget() -> None:
    """Delete history that is older than it is kept."""
    recording.forget(now=SYSTEM.now())
