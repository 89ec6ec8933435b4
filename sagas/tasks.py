"""Celery's entrances. Each message is a wake-up; what is due is read from PostgreSQL."""

from __future__ import annotations

import threading
from typing import Any

import structlog
from celery import shared_task, signals
from django.db import DatabaseError, InterfaceError, connections

from reliability.kernel import clock
from reliability.kernel.process import set_soon
from sagas.engine import working
from sagas.operations import batches, claims, waking
from sagas.operations import signals as events
from sagas.operations.batches import table
from sagas.operations.reconciling import comparisons
from sagas.operations.waking import BATCHES, TASK
from sagas.queries import batches as batch_queries
from sagas.reconciler import keys, turns

log = structlog.get_logger(__name__)

STAY_S = 8.0  # a task gives its thread back after this, so that a worker can stop
_stop = threading.Event()
_running = threading.Lock()
_reconciling = threading.Lock()
_working = threading.Lock()


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


@shared_task(name=BATCHES, ignore_result=True)
def work_batches() -> None:
    """Work off what was begun in bulk, an item of each batch in turn, for some seconds; the rest wakes the next one."""
    if not _working.acquire(blocking=False):
        return  # this process is at it
    try:
        if _work_until(clock.SYSTEM.monotonic() + STAY_S):
            waking.wake_for_batches()
    except (DatabaseError, InterfaceError) as error:  # nothing is lost: beat asks again
        connections.close_all()
        log.warning("batches_wait", error=str(error))
    finally:
        _working.release()


def _work_until(until_s: float) -> bool:
    """Whether something is left for another time."""
    while going := batch_queries.running(kinds=table.KINDS):
        done = 0
        for batch_id in going:
            if _stop.is_set() or clock.SYSTEM.monotonic() >= until_s:
                return True
            done += batches.step(batch_id)
        if not done:  # what is left, another process is at
            return False
    return False


@shared_task(name="sagas.sweep", ignore_result=True)
def sweep() -> None:
    """Put off what nobody here has the code of, and forget events and plans past their time."""
    put_off = claims.postpone(known=working.known(), postpone_s=working.POSTPONE_S)
    forgotten = events.sweep()
    plans = batches.forget_unstarted()
    compared = comparisons.sweep()
    log.info(
        "sagas_swept",
        put_off=put_off,
        events_forgotten=forgotten,
        plans_forgotten=plans,
        comparisons_and_findings_forgotten=compared,
    )


@signals.worker_shutting_down.connect(dispatch_uid="sagas.worker_shutting_down")
def _end_stay(**kwargs: Any) -> None:
    set_soon(_stop)
