"""Whether PostgreSQL answers, since when not, and which errors mean that it does not.

One watcher per web process asks ``select 1`` each second over a connection of its own and waits for the answer at most
1.5 s. So a database that hangs is noticed as well as one that refuses, and no request has to try for itself.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
import psycopg_pool
import structlog
from django.db import InterfaceError, OperationalError, connections

from reliability.kernel import clock

log = structlog.get_logger(__name__)

ASK_EVERY_S = 1.0
ANSWER_WITHIN_S = 1.5
# SQLSTATEs that mean "no server to talk to": connection exceptions, shutdown, start-up, no slot left.
_OUTAGE_STATES = ("08", "57P01", "57P02", "57P03", "53300")
_CONNECTION_SETTINGS = ("dbname", "user", "password", "host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey")


def is_outage(error: BaseException | None) -> bool:
    """Whether an error, or one it came from, says that the database cannot be reached; a refused statement does not."""
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
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def saw_outage(self, error: BaseException) -> None:
        """A request failed on the database: believe it until the next question is answered."""
        self._down(str(error))
        with self._lock:
            if self.watched:
                return
            self.watched = True
        # A server without lifespan events (a test, another ASGI server) has no watcher yet: have one until it is over.
        threading.Thread(target=asyncio.run, args=(self._watch_until_up(),), name="database-watch", daemon=True).start()

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
        question: asyncio.Task[None] | None = None
        asker = _Asker()
        try:
            while not self.stopped:
                # A question without an answer stays open: cancelling it would only wait for the same server.
                question = question or asyncio.create_task(asker.ask())
                await asyncio.wait({question}, timeout=ANSWER_WITHIN_S)
                if not question.done():
                    self._down(f"no answer within {ANSWER_WITHIN_S} s")
                else:
                    error, question = question.exception(), None
                    if error is None:
                        self._up()
                        if until_up:
                            return
                    else:
                        self._down(str(error))
                await asyncio.sleep(ASK_EVERY_S)
        finally:
            if question is not None:
                question.cancel()
            await asker.close()

    def stop(self) -> None:
        """Ask no more."""
        self.stopped = True

    def _down(self, reason: str) -> None:
        if self.down_since is None:
            self.down_since = self.time.now()
            log.error("database_down", reason=reason)
        self.reason = reason

    def _up(self) -> None:
        if self.down_since is not None:
            log.info("database_up", down_s=round((self.time.now() - self.down_since).total_seconds(), 1))
        self.down_since, self.reason = None, ""


class _Asker:
    """A connection used for nothing else."""

    def __init__(self) -> None:
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def ask(self) -> None:
        """Raise when there is no answer."""
        try:
            if self._connection is None:
                self._connection = await psycopg.AsyncConnection.connect(
                    **_settings(), autocommit=True, connect_timeout=2, application_name="mainstay-watch"
                )
            await self._connection.execute("select 1")
        except (psycopg.Error, OSError):
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _settings() -> dict[str, Any]:
    given = connections["default"].get_connection_params()
    return {name: given[name] for name in _CONNECTION_SETTINGS if given.get(name)}


WATCH = Watch()
