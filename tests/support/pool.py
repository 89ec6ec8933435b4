"""Which connections of a pool were taken by threads that have ended: they never come back.

In production a thread that ends with a connection makes the pool smaller for good, until every page waits for nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from psycopg import Connection
from psycopg_pool import ConnectionPool

_taken: dict[int, tuple[ConnectionPool[Any], Connection[Any], threading.Thread]] = {}


@contextmanager
def watched() -> Iterator[None]:
    """Note who takes and who gives back."""
    take, give = ConnectionPool.getconn, ConnectionPool.putconn

    def getconn(pool: ConnectionPool[Any], *args: Any, **named: Any) -> Connection[Any]:
        connection: Connection[Any] = take(pool, *args, **named)
        _taken[id(connection)] = (pool, connection, threading.current_thread())
        return connection

    def putconn(pool: ConnectionPool[Any], connection: Connection[Any], **named: Any) -> None:
        _taken.pop(id(connection), None)
        give(pool, connection, **named)

    with mock.patch.multiple(ConnectionPool, getconn=getconn, putconn=putconn):
        yield


def lost() -> list[str]:
    """Return the names of ended threads that kept a connection of a pool still in use; each is named once."""
    gone = {
        number: thread.name
        for number, (pool, _, thread) in list(_taken.items())
        if pool.closed or not thread.is_alive()
    }
    names = [name for number, name in gone.items() if not _taken[number][0].closed]
    for number in gone:
        del _taken[number]
    return names
