"""Writes of the live room: heartbeats."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from reliability.kernel import clock
from reliability.kernel.text import printable
from reliability.live.domain.processes import RESTARTS_WITHIN_S, STOPPED
from reliability.live.hints import changed
from reliability.live.models import Heartbeat

log = structlog.get_logger(__name__)

WARN_EVERY_S = 30.0
BEAT_EVERY_S = 5.0
KEPT_STOPPED_S = 24 * 3600.0
FACT_PARTS_MAX = 100  # of one list or mapping among a process's facts
FACT_DEPTH_MAX = 2


class DatabaseHeartbeat:
    """Says in the table of heartbeats that a process lives; fulfils ``kernel.process.Heartbeat``."""

    def __init__(self, *, time: clock.Clock = clock.SYSTEM) -> None:
        self._time = time
        self._alive_file = getattr(settings, "MAINSTAY_ALIVE_PATH", "")
        self._warned_s = -WARN_EVERY_S
        self._states: dict[str, str] = {}

    def beat(self, name: str, *, state: str, facts: Mapping[str, object]) -> None:
        """Record the beat. Never raises: without a database the page says that the process is silent, and why.

        The file of life is touched first: a probe on it restarts what hangs, never what waits for a server.
        """
        self._touch()
        try:
            record_beat(name=name, host=_host(), pid=os.getpid(), state=state, facts=facts, started_at=_started_at())
        except (DatabaseError, InterfaceError) as error:
            connection.close()
            self._states.pop(name, None)
            if self._time.monotonic() - self._warned_s >= WARN_EVERY_S:
                self._warned_s = self._time.monotonic()
                log.warning("heartbeat_not_written", process=name, error=str(error))
            return
        if self._states.get(name) != state:
            self._states[name] = state
            changed("processes")

    def _touch(self) -> None:
        try:
            if self._alive_file:
                Path(self._alive_file).touch()
        except OSError as error:
            log.error("alive_file_not_touched", file=self._alive_file, error=str(error))
            self._alive_file = ""


def record_beat(
    *, name: str, host: str, pid: int, state: str, facts: Mapping[str, object], started_at: datetime
) -> None:
    """Write one beat with the database's time; a first beat also clears away rows of lives long over."""
    shown = {printable(key, limit=60): _plain(value) for key, value in facts.items()}
    row = Heartbeat(name=name[:100], host=host[:255], pid=pid, state=state[:32], facts=shown, started_at=started_at)
    row.at = Now()  # one clock for all hosts
    with transaction.atomic():
        known = Heartbeat.objects.filter(name=row.name, host=row.host, pid=pid, started_at=started_at).update(
            state=row.state, facts=shown, at=Now()
        )
        if not known:
            Heartbeat.objects.bulk_create([row], ignore_conflicts=True)
            _forget(name=row.name, host=row.host)


def _forget(*, name: str, host: str) -> None:
    """The lives this one takes the place of, once they are no restarts of late, and processes that stopped long ago."""
    before = Q(name=name, host=host, at__lt=Now() - timedelta(seconds=RESTARTS_WITHIN_S))
    stopped = Q(state=STOPPED, at__lt=Now() - timedelta(seconds=KEPT_STOPPED_S))
    Heartbeat.objects.filter(before | stopped).delete()


def beat_in_background(
    name: str,
    *,
    facts: Callable[[], Mapping[str, object]] = dict,
    turns: Callable[[], bool] = lambda: True,
) -> Callable[[], None]:
    """Beat every few seconds from a thread, for a process whose loop is not ours (Celery); returns what ends it.

    While ``turns`` says that the process's own loop stands still, nothing is said: it would not be true.
    """
    stop = threading.Event()

    def beats() -> None:
        heartbeat = DatabaseHeartbeat()
        while not stop.is_set():
            if turns():
                heartbeat.beat(name, state="running", facts=facts())
                connection.close()  # to the pool: others of this process want it more often
            stop.wait(BEAT_EVERY_S)
        heartbeat.beat(name, state=STOPPED, facts={})
        connection.close()

    thread = threading.Thread(target=beats, name=f"heartbeat-{name}", daemon=True)
    thread.start()

    def end() -> None:
        stop.set()
        thread.join(timeout=3)

    return end


def _plain(value: object, *, depth: int = 0) -> object:
    """A fact as JSON; lists and pairs stay what they are for two levels, so that a page can word them."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping) and depth < FACT_DEPTH_MAX:
        kept = list(value.items())[:FACT_PARTS_MAX]
        return {printable(str(key), limit=100): _plain(each, depth=depth + 1) for key, each in kept}
    if isinstance(value, list | tuple | set | frozenset) and depth < FACT_DEPTH_MAX:
        return [_plain(each, depth=depth + 1) for each in list(value)[:FACT_PARTS_MAX]]
    return printable(str(value), limit=500)


@lru_cache(maxsize=1)
def _host() -> str:
    return socket.gethostname()


@lru_cache(maxsize=1)
def _started_at() -> datetime:
    """About when this process started: at its first beat."""
    return clock.SYSTEM.now()
