"""Connections to PostgreSQL that can be cut while a thread waits for an answer on them.

Whoever waits for a server that hangs waits for as long as it hangs: PostgreSQL's own limits are the server's, and a
network that takes the bytes is no error. Shutting the socket from another thread ends the wait with an ordinary error.
"""

from __future__ import annotations

import os
import socket
import threading
import weakref
from typing import Any

import psycopg

_LOCK = threading.Lock()


class Line(psycopg.Connection[Any]):
    """A connection that ``cut`` knows of."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        with _LOCK:
            _LINES.add(self)


_LINES: weakref.WeakSet[Line] = weakref.WeakSet()


def cut() -> int:
    """Shut every connection of this process; return how many. A statement on one ends with ``OperationalError``.

    What was being committed is done or not done, and nobody here can know which.
    """
    with _LOCK:
        found = list(_LINES)
    return sum(shut(line) for line in found)


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
