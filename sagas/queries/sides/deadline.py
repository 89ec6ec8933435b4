"""A request that ends when its time is over, whatever the other side sends.

The client's own time-out is for each read of the socket, and whoever sends a byte now and then never runs into it: in
headers, between chunks, in answers that only announce another one. So the socket is shut from outside.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

_HERE = threading.local()


class Deadline:
    """The time of one request; ``is_over`` says that its socket was shut."""

    def __init__(self) -> None:
        self.is_over = False
        self._sock: Any = None
        self._lock = threading.Lock()

    def hold(self, sock: Any) -> None:
        """Have this socket shut when the time is over; at once if it is."""
        with self._lock:
            self._sock = sock
            over = self.is_over
        if over:
            _shut(sock)

    def end(self) -> None:
        """The time is over."""
        with self._lock:
            self.is_over = True
            sock = self._sock
        if sock is not None:
            _shut(sock)


@contextmanager
def within(seconds: float) -> Iterator[Deadline]:
    """Requests that this thread makes in the block on connections of ``pool`` end after so many seconds."""
    deadline = Deadline()
    timer = threading.Timer(seconds, deadline.end)
    timer.daemon = True
    _HERE.deadline = deadline
    timer.start()
    try:
        yield deadline
    finally:
        timer.cancel()
        _HERE.deadline = None


def pool() -> urllib3.PoolManager:
    """Return a pool whose connections keep to the deadline of the thread that uses them."""
    made = urllib3.PoolManager(maxsize=16)
    made.pool_classes_by_scheme = {"http": _Http, "https": _Https}
    return made


def _shut(sock: Any) -> None:
    with suppress(OSError):  # it was closed before
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # of the socket below, also where TLS is above it


def _told(sock: Any) -> None:
    deadline = getattr(_HERE, "deadline", None)
    if deadline is not None and sock is not None:
        deadline.hold(sock)


class _HttpConnection(HTTPConnection):
    def getresponse(self) -> Any:
        _told(self.sock)
        return super().getresponse()


class _HttpsConnection(HTTPSConnection):
    def getresponse(self) -> Any:
        _told(self.sock)
        return super().getresponse()


class _Http(urllib3.HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _Https(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection
