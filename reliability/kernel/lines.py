"""Connections to PostgreSQL that can be cut while a thread waits for an answer on them, and that die together.

Whoever waits for a server that hangs waits for as long as it hangs: PostgreSQL's own limits are the server's, and a
network that takes the bytes is no error. Shutting the socket from another thread ends the wait with an ordinary error.

A pool asks each connection before it gives it away, one at a time, and from the second dead one on it waits a second
before the next. After a restart of the server all of them are dead: the first that is found has the pool renew them.
One that died alone does not: the others go on, also where the server takes no new ones.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time
import weakref
from typing import Any

import psycopg
from django.db import connections

_LOCK = threading.Lock()
_RENEWING = threading.Lock()
_HUNG_UP = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR
_renewed_s = float("-inf")


class Line(psycopg.Connection[Any]):
    """A connection that ``cut`` knows of."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.made_s = time.monotonic()
        with _LOCK:
            _LINES.add(self)

    def execute(self, query: Any, *args: Any, **named: Any) -> psycopg.Cursor[Any]:
        """As psycopg's. An empty statement is the pool's question: where it fails others may have died, too."""
        try:
            return super().execute(query, *args, **named)
        except psycopg.Error:
            if query == "" and self.closed and any(line is not self and _is_hung_up(line) for line in _all()):
                _renew_those_of(self.made_s)
            raise


_LINES: weakref.WeakSet[Line] = weakref.WeakSet()


def renew() -> None:
    """Have the pool make new connections for those that lie there, and close those in use when they come back."""
    _renew_those_of(float("inf"))


def _renew_those_of(made_s: float) -> None:
    """Once for all that are as old, however many threads find one of them dead; they wait until the others are gone."""
    global _renewed_s
    with _RENEWING:
        if made_s <= _renewed_s:
            return
        _renewed_s = time.monotonic()
        pool = connections["default"].pool  # type: ignore[attr-defined]  # PostgreSQL's
        if pool is not None and not pool.closed:
            pool.drain()


def _is_hung_up(line: Line) -> bool:
    """Whether its other end said that it is gone. Asks nobody: a server that hangs would hold the question up."""
    try:
        poll = select.poll()
        poll.register(line.fileno(), _HUNG_UP)
        return bool(poll.poll(0))
    except (OSError, psycopg.Error):
        return False  # closed by us


def _all() -> list[Line]:
    with _LOCK:
        return list(_LINES)


def _forget() -> None:
    """In a child that was forked: its parent's connections are not its own, and a lock may be held by nobody."""
    global _LOCK, _RENEWING
    _LOCK, _RENEWING = threading.Lock(), threading.Lock()
    _LINES.clear()


os.register_at_fork(after_in_child=_forget)


def cut() -> int:
    """Shut every connection of this process; return how many. A statement on one ends with ``OperationalError``.

    What was being committed is done or not done, and nobody here can know which.
    """
    return sum(shut(line) for line in _all())


def shut(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> bool:
    """Shut the socket of one; False when it was closed before."""
    try:
        copy = os.dup(connection.fileno())
    except (OSError, psycopg.Error):
        return False
    try:
        connection.fileno()  # raises when it was closed meanwhile: the number was another's when it was copied
        line = socket.socket(fileno=copy)
        try:
            line.shutdown(socket.SHUT_RDWR)
        finally:
            line.detach()
    except (OSError, psycopg.Error):
        return False
    finally:
        os.close(copy)
    return True
