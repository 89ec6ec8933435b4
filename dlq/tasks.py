"""Celery's entrances: feeding runs, settling outcomes, sweeping. Each message is a wake-up; the truth is in PostgreSQL.

A task that finds work stays with it for some seconds under a lease, so that there is one of each in the whole system;
the lease only saves work, what keeps two apart is the row lock of each run. Beat asks every two seconds; without beat a
task that leaves work behind sends itself again, and receipts and operators' acts wake it.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import structlog
from celery import Task, signals
from django.db import DatabaseError
from kombu.exceptions import OperationalError

from dlq.operations import outcomes, plans, replays, retention
from dlq.queries import replays as queries
from reliability.celery import app
from reliability.kernel import clock
from reliability.kernel.process import set_soon
from reliability.kernel.waker import Waker
from reliability.locks import operations as locks

log = structlog.get_logger(__name__)

STAY_S = 8.0  # a task gives its thread back after this, so that a worker can stop
# Longer than a step takes, for settling when Kafka does not answer: for so long a killed worker's work stands still.
FEED_LEASE_S = 5.0
SETTLE_LEASE_S = 15.0
FEED_EVERY_S = 0.2
SETTLE_EVERY_S = 0.5
LATE_EVERY_S = 10.0
LATE_WITHIN = timedelta(minutes=15)  # the sweep looks further back, less often
AGAIN_IN_S = 5.0
WAKE_EXPIRES_S = clock.CLOCKS_APART_S
REDIS_PAUSE_S = 5.0

_late_at_s = float("-inf")
_stop = threading.Event()
_ME = f"{socket.gethostname()}:{os.getpid()}"


@app.task(name="dlq.feed")
def feed() -> None:
    """Let every running run append what it may, until none runs or the time is up."""
    _stay("dlq.feed", _feed_step, every_s=FEED_EVERY_S, lease_s=FEED_LEASE_S, again=feed)


@app.task(name="dlq.settle")
def settle() -> None:
    """Look what became of what was sent, again and again while something changes."""
    _stay("dlq.settle", _settle_step, every_s=SETTLE_EVERY_S, lease_s=SETTLE_LEASE_S, again=settle)


@app.task(name="dlq.sweep")
def sweep() -> None:
    """Catch what the quick looks leave out: late letters and proofs, plans nobody approved, letters past their time."""
    now = clock.SYSTEM.now()
    settled = outcomes.settle_late(now=now)
    forgotten = plans.forget_expired(now=now)
    swept = retention.sweep(now=now)
    log.info("dlq_swept", settled_late=settled, plans_forgotten=forgotten, letters=swept.letters, groups=swept.groups)


def _feed_step() -> tuple[bool, bool]:
    now = clock.SYSTEM.now()
    outcomes.take_receipts(now=now)
    running = queries.running_ids()
    for replay_id in running:
        _feed_one(replay_id)
    waits = bool(running) or queries.has_queued()
    return waits, waits


def _feed_one(replay_id: int) -> None:
    try:
        replays.feed(replay_id=replay_id, now=clock.SYSTEM.now())
    except DatabaseError:
        raise  # concerns all of them
    except Exception:  # the edge between runs: what is wrong with one must not hold up the others
        log.exception("replay_not_fed", replay=replay_id)


def _settle_step() -> tuple[bool, bool]:
    global _late_at_s
    now, now_s = clock.SYSTEM.now(), clock.SYSTEM.monotonic()
    moved = outcomes.take_receipts(now=now) + outcomes.settle_sent(now=now)
    if now_s - _late_at_s >= LATE_EVERY_S:
        _late_at_s = now_s
        moved += outcomes.settle_late(now=now, within=LATE_WITHIN)
    return moved > 0, queries.has_sent()


def _stay(
    name: str, step: Callable[[], tuple[bool, bool]], *, every_s: float, lease_s: float, again: Task[[], None]
) -> None:
    """Call ``step`` under the lease while it has something to do now; it returns that, and whether work is left."""
    lease = locks.acquire(name=name, owner=f"{_ME}:{threading.get_ident()}", ttl_s=lease_s)
    if lease is None:
        return
    left = False
    try:
        until_s = clock.SYSTEM.monotonic() + STAY_S
        while clock.SYSTEM.monotonic() < until_s:
            busy, left = step()
            if not busy or _stop.wait(every_s):
                break
            lease = locks.renew(lease=lease, ttl_s=lease_s)
    except locks.LeaseLost:
        log.warning("lease_lost", name=name)  # somebody else is at it: what was done stays done
        return
    finally:
        locks.release(lease=lease)
    if left:
        _later(name, again)


def _later(name: str, task: Task[[], None]) -> None:
    """Have the task run again soon, even if no beat lives; one such message at a time in the whole system."""
    if locks.acquire(name=f"{name}.again", owner=_ME, ttl_s=AGAIN_IN_S - 0.5) is not None:
        _send(task, countdown_s=AGAIN_IN_S, expires_s=AGAIN_IN_S + WAKE_EXPIRES_S)


def _send(task: Task[[], None], *, expires_s: float, countdown_s: float = 0.0) -> bool:
    """Send a wake-up; without Redis it is lost, and said so: beat or the next act makes up for it."""
    try:
        task.apply_async(retry=False, expires=expires_s, countdown=countdown_s)
    except (OperationalError, OSError) as error:
        log.warning("wake_up_lost", task=task.name, reason=str(error), effect="the schedule covers it")
        return False
    return True


@signals.worker_shutting_down.connect(dispatch_uid="dlq.worker_shutting_down")
def _end_stay(**kwargs: Any) -> None:
    set_soon(_stop)


def _send_wake_ups() -> bool:
    sent = [_send(task, expires_s=WAKE_EXPIRES_S) for task in (feed, settle)]  # both, whatever became of the first
    return all(sent)


_waker = Waker("dlq-wake", _send_wake_ups, every_s=FEED_EVERY_S, pause_s=REDIS_PAUSE_S)


def wake(ids: Sequence[str], by: str) -> None:
    """As a listener of the registry: something changed, look soon."""
    _waker()
