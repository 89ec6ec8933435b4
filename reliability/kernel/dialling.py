"""Connecting to a server within a time that holds for the question after its name, too.

``socket.create_connection`` counts from when the name is known: a name server that does not answer makes it wait for as
long as the resolver likes, which is ten seconds and more.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Sequence
from typing import Any

from reliability.kernel import clock

Found = Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]]


class SilentNameServer(TimeoutError):
    """Nobody said in time what address the name has."""

    def __init__(self) -> None:
        super().__init__("the name server does not answer")


def connected(host: str, port: int, *, within_s: float, time: clock.Clock = clock.SYSTEM) -> socket.socket:
    """Return a connection, whose operations take ``within_s`` at most; raise ``OSError`` or ``UnicodeError``.

    Name and connection together take no longer than ``within_s``; ``SilentNameServer`` when the name took all of it.
    """
    until_s = time.monotonic() + within_s
    last: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in resolved(host, port, within_s=within_s):
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("no answer")
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(left_s)
            made.connect(address)
            made.settimeout(within_s)
        except OSError as error:
            made.close()
            last = error
        else:
            return made
    raise last


def resolved(host: str, port: int, *, within_s: float) -> Found:
    """Return the addresses of a name; raise ``OSError``, ``UnicodeError``, and ``SilentNameServer`` after the time."""
    answers: queue.SimpleQueue[Found | OSError | UnicodeError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    # A daemon, since the question cannot be called off: nobody waits for it at the end of the process.
    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=within_s)
    except queue.Empty:
        raise SilentNameServer from None
    if isinstance(answer, OSError | UnicodeError):
        raise answer
    return answer
