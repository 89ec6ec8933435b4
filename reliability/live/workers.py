"""Celery's processes, whose loops are not ours: heartbeats, log lines, and their tasks while nobody sends them."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import redis
import structlog
from celery import Celery, signals
from django.db import DatabaseError, InterfaceError, connection
from kombu.exceptions import OperationalError

from reliability.kernel import clock
from reliability.kernel.telemetry import logs
from reliability.live import connection as live_redis
from reliability.live import operations, queries
from reliability.live.domain import ticks as rules

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 2.0
SENDS_WITHIN_S = 60.0  # a beat that sent nothing for so long hangs; a paused Redis holds one sending up for half of it
BEAT_SILENT_S = 10.0  # two of its heartbeats are missing

_ends: list[Callable[[], None]] = []


def connect() -> None:
    """Beat while a Celery worker or beat runs in this process; called once at start."""
    signals.worker_ready.connect(_worker_is_ready, weak=False)
    signals.worker_shutdown.connect(_ended, weak=False)
    atexit.register(_ended)  # beat has no signal for its end
    signals.beat_init.connect(_beat_is_ready, weak=False)
    signals.task_prerun.connect(_task_begins, weak=False)


def _worker_is_ready(sender: Any = None, **kwargs: Any) -> None:
    """``relay@host`` beats as ``worker-relay``."""
    _begin(f"worker-{str(sender.hostname).partition('@')[0]}")
    app = sender.app
    own = rules.of_queues(
        app.conf.beat_schedule.values(),
        routes=app.conf.task_routes,
        queues=app.amqp.queues.consume_from.keys(),
        other=app.conf.task_default_queue,
    )
    _ends.append(_tick_in_background(app, own))


def _beat_is_ready(**kwargs: Any) -> None:
    """Beat as long as something was sent lately, or was tried: its schedule has something each second.

    One that waits for Redis does not hang: to start it again would change nothing.
    """
    last_s = [clock.SYSTEM.monotonic()]

    def sends(**kwargs: Any) -> None:
        last_s[0] = clock.SYSTEM.monotonic()

    signals.before_task_publish.connect(sends, weak=False)
    _begin("beat", turns=lambda: clock.SYSTEM.monotonic() - last_s[0] < SENDS_WITHIN_S or _redis_is_away())


def _task_begins(task_id: str = "", task: Any = None, **kwargs: Any) -> None:
    """Lines of a task name it, and nothing of the task before it on this thread."""
    logs.clear()
    logs.bind(task=task.name, task_id=task_id)


def _begin(name: str, *, turns: Callable[[], bool] = lambda: True) -> None:
    _ends.append(operations.beat_in_background(name, turns=turns))


def _ended(**kwargs: Any) -> None:
    while _ends:
        with suppress(SystemExit):  # a second signal asks for what is happening already
            _ends.pop()()


def _tick_in_background(app: Celery, own: Sequence[rules.Tick]) -> Callable[[], None]:
    """See to this worker's own tasks when they are due and nobody else does: no beat is heard, or Redis is away.

    Without a beat they are sent: wake-ups may come twice, so a beat that ticks all the same does no harm. Without Redis
    they are done here, one after the other, so that a dead Redis costs time and nothing else. Returns what ends it.
    """
    stop = threading.Event()

    def look() -> None:
        done_s: dict[str, float] = {}
        while not stop.wait(LOOK_EVERY_S):
            due = rules.due(own, done_s, now_s=clock.SYSTEM.monotonic())
            see_to = _do_here if due and _redis_is_away() else _send if due and _no_beat_ticks() else None
            for tick in due:
                if see_to is not None:
                    done_s[tick.task] = clock.SYSTEM.monotonic()
                    see_to(app, tick)

    thread = threading.Thread(target=look, name="ticks", daemon=True)
    thread.start()
    return stop.set


def _redis_is_away() -> bool:
    try:
        live_redis.client().ping()
    except (redis.RedisError, OSError):
        return True
    return False


def _no_beat_ticks() -> bool:
    try:
        return not queries.heard_within("beat", seconds=BEAT_SILENT_S)
    except (DatabaseError, InterfaceError):
        return False  # without a database a task could do nothing
    finally:
        connection.close()


def _do_here(app: Celery, tick: rules.Tick) -> None:
    try:
        result = app.tasks[tick.task].apply()
        if result.failed():
            log.warning("tick_failed", task=tick.task, error=str(result.result))
    finally:
        connection.close()


def _send(app: Celery, tick: rules.Tick) -> None:
    try:
        app.send_task(tick.task, retry=False, **tick.options)
    except (OperationalError, OSError) as error:
        log.warning("tick_not_sent", task=tick.task, error=str(error))
