"""Celery's entrance: a look at the certificates whose time it is."""

from __future__ import annotations

import threading

from celery import shared_task

from reliability.certificates import operations
from reliability.kernel.clock import SYSTEM

_looking = threading.Lock()


@shared_task(name="certificates.look", ignore_result=True)
def look() -> None:
    """Look, unless this process is looking already."""
    if not _looking.acquire(blocking=False):
        return
    try:
        operations.look(now=SYSTEM.now())
    finally:
        _looking.release()
