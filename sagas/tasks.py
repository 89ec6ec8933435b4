"""Celery's entrances. Each message is a wake-up; what is due is read from PostgreSQL."""

from __future__ import annotations

import threading
from typing import Any

import structlog
from celery import shared_task, signals
from django.db import connections

from sagas.engine import working
from sagas.operations import claims
from sagas.operations import signals as events
from sagas.operations.reconciling import comparisons
from sagas.operations.waking import TASK
from sagas.reconciler import keys, turns

log = structlog.get_logger(__name__)

STAY_S = 8.0  # a task gives its thread back after this, so that a worker can stop
_stop = threading.Event()
_running = threading.Lock()
_reconciling = threading.Lock()


@shared_task(name=TASK, ignore_result=True)
def run() -> None:
    """Go on with every saga that is due, for some seconds; what is left is due for the next wake-up too."""
    if not _running.acquire(blocking=False):
        return  # this process is at it: more threads would take the turn of other tasks
    try:
        due = claims.is_due(known=working.known())
        connections.close_all()  # the slots have their own
        if due:
            working.Worker(stop=_stop.is_set, stay_s=STAY_S).run()
    finally:
        _running.release()


@shared_task(name="sagas.reconcile", ignore_result=True)
def reconcile() -> None:
    """Look at keys that something has just changed, and compare what is due."""
    if not _reconciling.acquire(blocking=False):
        return
    try:
        keys.step()
        turns.step(stop=_stop.is_set)
    finally:
        _reconciling.release()


@shared_task(name="sagas.sweep", ignore_result=True)
def sweep() -> None:
    """Put off what nobody here has the code of, and forget events past their time."""
    put_off = claims.postpone(known=working.known(), postpone_s=working.POSTPONE_S)
    forgotten = events.sweep()
    compared = comparisons.sweep()
    log.info("sagas_swept", put_off=put_off, events_forgotten=forgotten, comparisons_and_findings_forgotten=compared)


@signals.worker_shutting_down.connect(dispatch_uid="sagas.worker_shutting_down")
def _end_stay(**kwargs: Any) -> None:
    _stop.set()
