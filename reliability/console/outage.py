"""Whether PostgreSQL answers, since when not, and which errors mean that it does not.

One watcher per web process asks ``select 1`` each second over a connection of its own and waits for the answer at most
1.5 s. So a database that hangs is noticed as well as one that refuses, and no request has to try for itself.
When the silence lasts, also over a new line, it cuts the connections of the process: who waits on one is answered then,
however long the server goes on hanging.

A request that got no connection proves nothing: under load the pool has none to give. An outage is declared only after
a connection attempt of the watch's own failed too; else the console is busy, for that one request. And silence proves
nothing while others are answered: on a host that is out of breath an attempt may take longer than it is given.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
import psycopg_pool
import structlog
from django.db import InterfaceError, OperationalError
from django.db.backends.signals import connection_created
from django.dispatch import receiver

from reliability.console import probing
from reliability.kernel import clock, lines

log = structlog.get_logger(__name__)

ASK_EVERY_S = 1.0
ANSWER_WITHIN_S = 1.5
# Of silence after it was found to be down.
CUT_AFTER_S = 4.0
# With the pool's wait this is how long the first page takes that notices an outage.
ATTEMPT_WITHIN_S = 0.8
# SQLSTATEs that mean "no server to talk to": connection exceptions, shutdown, start-up, no slot left.
_OUTAGE_STATES = ("08", "57P01", "57P02", "57P03", "53300")


def no_connection(error: BaseException | None) -> bool:
    """Whether an error, or one it came from, means that there was no connection to use; a refused statement does not.

    The database is down, or the console is busy: ``Watch.saw_outage`` finds out which.
    """
    while error is not None:
        if isinstance(error, (psycopg_pool.PoolTimeout, psycopg_pool.PoolClosed)):
            return True
        if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
            return error.sqlstate is None or error.sqlstate.startswith(_OUTAGE_STATES)
        if isinstance(error, (OperationalError, InterfaceError)) and error.__cause__ is None:
            return True
        error = error.__cause__
    return False


@dataclass(slots=True)
class Watch:
    """What this process knows about the database."""

    time: clock.Clock = clock.SYSTEM
    down_since: datetime | None = None
    reason: str = ""
    watched: bool = False
    stopped: bool = False
    _answered_s: float = float("-inf")
    _quiet_since_s: float = float("-inf")
    _attempt: Future[None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def saw_outage(self, error: BaseException | None) -> bool:
        """A request had no connection: try one, and declare the outage when that fails. False: it was only busy."""
        if self.down_since is None:
            reason = self._try_to_connect()
            if not reason:
                log.warning("database_busy", error=str(error))
                return False
            self._down(reason)
        with self._lock:
            if self.watched:
                return True
            self.watched = True
        # A server without lifespan events (a test, another ASGI server) has no watcher yet: have one until it is over.
        threading.Thread(target=asyncio.run, args=(self._watch_until_up(),), name="database-watch", daemon=True).start()
        return True

    def answered(self) -> None:
        """The database has just answered somebody in this process."""
        self._answered_s = self.time.monotonic()

    def _answered_within(self, seconds: float) -> bool:
        return self.time.monotonic() - self._answered_s < seconds

    def _try_to_connect(self) -> str:
        """Return why an own connection got no answer in time, "" when it did; requests in doubt share one attempt."""
        with self._lock:
            if self._attempt is None or self._attempt.done():
                self._attempt = Future()
                threading.Thread(
                    target=probing.attempt, args=(self._attempt,), name="database-attempt", daemon=True
                ).start()
            attempt = self._attempt
        try:
            attempt.result(timeout=ATTEMPT_WITHIN_S)
        except probing.SILENCE:
            return "" if self._answered_within(ATTEMPT_WITHIN_S) else f"no answer within {ATTEMPT_WITHIN_S} s"
        except (psycopg.Error, OSError) as error:
            return str(error)
        self.answered()
        return ""

    async def watch(self) -> None:
        """Ask for ever."""
        self.watched = True
        try:
            await self._ask_repeatedly(until_up=False)
        finally:
            self.watched = False

    async def _watch_until_up(self) -> None:
        try:
            await self._ask_repeatedly(until_up=True)
        finally:
            self.watched = False

    async def _ask_repeatedly(self, *, until_up: bool) -> None:
        asker, silent = probing.Asker(), 0
        try:
            while not self.stopped:
                error = await asker.ask(within_s=ANSWER_WITHIN_S)
                if error is None:
                    if silent and self.down_since is not None:  # the lines of others are as old as the silent one was
                        await asyncio.to_thread(lines.renew)
                    silent = 0
                    self.answered()
                    self._up()
                elif isinstance(error, probing.SILENCE):
                    asker, silent = probing.Asker(), silent + 1  # the next question goes over a new line
                    self._silence()
                else:
                    silent = 0
                    self._down(str(error))
                if until_up and self.down_since is None:
                    return
                if silent > 1 and self._is_quiet_for(CUT_AFTER_S):
                    self._quiet_since_s = self.time.monotonic()
                    log.warning("database_connections_cut", connections=lines.cut())
                await asyncio.sleep(ASK_EVERY_S)
        finally:
            await asker.close()

    def _silence(self) -> None:
        """The watch's own question has no answer: that is an outage unless others are answered."""
        if self._answered_within(ANSWER_WITHIN_S):
            self._up()
        else:
            self._down(f"no answer within {ANSWER_WITHIN_S} s")

    def _is_quiet_for(self, seconds: float) -> bool:
        """Whether nobody in this process was answered for so long while the database is down."""
        since_s = max(self._quiet_since_s, self._answered_s)
        return self.down_since is not None and self.time.monotonic() - since_s >= seconds

    def stop(self) -> None:
        """Ask no more."""
        self.stopped = True

    def _down(self, reason: str) -> None:
        if self.down_since is None:
            self.down_since, self._quiet_since_s = self.time.now(), self.time.monotonic()
            log.error("database_down", reason=reason)
        self.reason = reason

    def _up(self) -> None:
        if self.down_since is not None:
            log.info("database_up", down_s=round((self.time.now() - self.down_since).total_seconds(), 1))
        self.down_since, self.reason = None, ""


WATCH = Watch()


@receiver(connection_created)
def _connected(sender: Any, **kwargs: Any) -> None:
    """A connection was made or, out of the pool, asked: see ``CONN_HEALTH_CHECKS``."""
    WATCH.answered()
