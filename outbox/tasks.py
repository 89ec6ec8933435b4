"""Celery's entrance: the relay as a task that starts itself again, a sweep that starts it anew, the table's upkeep."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import structlog
from celery import shared_task, signals
from kombu.exceptions import OperationalError

from outbox import operations, queries, relay
from reliability.kernel import clock
from reliability.kernel.process import set_soon
from reliability.live.operations import DatabaseHeartbeat

log = structlog.get_logger(__name__)

QUEUE = "relay"
TURN_S = 60.0  # one run of the task; below the broker's visibility timeout, so that it is never run twice
WAITS_S = (
    clock.CLOCKS_APART_S
)  # a message that lies longer is one too many: the relay it should have started runs already
SILENT_S = 5.0  # without a heartbeat for so long the sweep starts a relay

_stop = threading.Event()
_running = threading.Lock()
_relay: relay.Relay | None = None


class _Turn(DatabaseHeartbeat):
    """The relay's heartbeat; a turn's end is not the relay's."""

    def beat(self, name: str, *, state: str, facts: Mapping[str, object]) -> None:
        if state != "stopped" or _stop.is_set():
            super().beat(name, state=state, facts=facts)


@shared_task(name="outbox.relay", ignore_result=True)
def relay_outbox() -> None:
    """Relay for a minute, then send this task again; returns at once where this process is at it already.

    Leases and producer belong to the process, not to the turn. While Redis is away the turn goes on: nobody could
    start the next one.
    """
    global _relay
    if not _running.acquire(blocking=False):
        return
    try:
        if _relay is None:
            _relay = relay.of_this_process(hosting="worker")
        sent = False
        while not sent:
            relay.serve(_relay, stop=_stop, heartbeat=_Turn(), until_s=clock.SYSTEM.monotonic() + TURN_S)
            sent = _send() or _stop.is_set()
    finally:
        _running.release()


def _send() -> bool:
    """Have a relay started; False when Redis is away."""
    try:
        relay_outbox.apply_async(queue=QUEUE, expires=WAITS_S, retry=False)
    except (OperationalError, OSError) as error:
        log.warning("relay_not_started", reason=str(error), effect="the next sweep tries again")
        return False
    return True


@shared_task(name="outbox.sweep", ignore_result=True)
def sweep() -> None:
    """Start a relay when none has been heard of lately: covers a lost message and a worker that died."""
    if not queries.relay_heard_within(seconds=SILENT_S):
        log.info("relay_started_by_sweep")
        _send()


@shared_task(name="outbox.upkeep", ignore_result=True)
def upkeep() -> None:
    """Partitions ahead, old ones away, receipts and logs no longer needed."""
    operations.keep_up()


@signals.worker_ready.connect(dispatch_uid="outbox.worker_ready")
def _start_relaying(sender: Any = None, **kwargs: Any) -> None:
    """A worker that serves the relay's queue starts at once, instead of at the next sweep."""
    if QUEUE in sender.app.amqp.queues.consume_from:
        _send()


@signals.worker_shutting_down.connect(dispatch_uid="outbox.worker_shutting_down")
def _end_turn(**kwargs: Any) -> None:
    set_soon(_stop)


@signals.worker_shutdown.connect(dispatch_uid="outbox.worker_shutdown")
def _leave(**kwargs: Any) -> None:
    """Give the leases back, so that another relay need not wait for their end."""
    global _relay
    if _relay is not None:
        _relay.close()
        _relay = None
