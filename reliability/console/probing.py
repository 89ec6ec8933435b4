"""Asking PostgreSQL whether it answers, over connections that are used for nothing else."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import Future
from typing import Any, Final

import psycopg
from django.db import connections

from reliability.kernel import lines

CONNECT_WITHIN_S: Final = 2
SILENCE: Final = (TimeoutError, psycopg.errors.ConnectionTimeout)
"""Errors that say no more than that nothing came."""
LEFT_FOR_S: Final = 10.0
_NOT_OURS: Final = frozenset(
    [
        "application_name",
        "client_encoding",
        "connect_timeout",
        "context",
        "cursor_factory",
        "options",
        "prepare_threshold",
    ]
)
"""What Django's own connections are told besides: all else, such as every word about TLS, holds here too."""
_LEFT: Final = set[asyncio.Task[None]]()


class Asker:
    """A line for one question after the other. One that was silent is not to be asked again: make another asker."""

    def __init__(self) -> None:
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def ask(self, *, within_s: float) -> BaseException | None:
        """Return None for an answer, else what was wrong: one of ``SILENCE`` when nothing came in time."""
        question = asyncio.create_task(self.asked())
        try:
            await asyncio.wait({question}, timeout=within_s)
        except asyncio.CancelledError:
            question.cancel()
            raise
        if question.done():
            return question.exception()
        self._leave(question)
        return TimeoutError()

    async def asked(self) -> None:
        """Raise when there is no answer. An old connection that broke says nothing of the server: it asks a new one."""
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await self._connection.execute("select 1")
                return
            await self.close()
        try:
            self._connection = await psycopg.AsyncConnection.connect(**_settings())
            await self._connection.execute("select 1")
        except (psycopg.Error, OSError):
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def _leave(self, question: asyncio.Task[None]) -> None:
        """Cancelling would only wait for the same server: its socket is shut, and the rest is done beside."""
        if self._connection is not None:
            lines.shut(self._connection)
        left = asyncio.create_task(self._left(question))
        _LEFT.add(left)  # the loop itself holds tasks but weakly
        left.add_done_callback(_LEFT.discard)

    async def _left(self, question: asyncio.Task[None]) -> None:
        try:
            await asyncio.wait({question}, timeout=LEFT_FOR_S)
        finally:
            if not question.cancel() and not question.cancelled():
                question.exception()  # it was seen
            await self.close()


def attempt(answer: Future[None]) -> None:
    """Connect anew and ask; ``answer`` is told what came of it."""
    try:
        with lines.Line.connect(**_settings()) as connection:
            connection.execute("select 1")
    except (psycopg.Error, OSError) as error:
        answer.set_exception(error)
    else:
        answer.set_result(None)


def why_not() -> str:
    """Return why a connection of its own gets no answer, "" when it does; takes two seconds at most.

    The pool says only how long it waited.
    """
    answer: Future[None] = Future()
    attempt(answer)
    error = answer.exception()
    return str(error).strip() if error is not None else ""


def _settings() -> dict[str, Any]:
    given = connections["default"].get_connection_params()
    ours = {name: value for name, value in given.items() if name not in _NOT_OURS and value not in (None, "")}
    return ours | {"connect_timeout": CONNECT_WITHIN_S, "application_name": "mainstay-watch", "autocommit": True}
