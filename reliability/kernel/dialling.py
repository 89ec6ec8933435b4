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

Address = tuple[Any, ...]
Found = Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, Address]]
PORT_MAX = 65_535
LEAST_S = 0.05
"""What an address has where the name took nearly all of the time: for a server that is near, and refuses or takes."""


class SilentNameServer(TimeoutError):
    """Nobody said in time what address the name has."""

    def __init__(self, within_s: float) -> None:
        super().__init__(f"no name server said its address within {within_s:.1f} s")


def connected(host: str, port: int, *, within_s: float, time: clock.Clock = clock.SYSTEM) -> socket.socket:
    """Return a connection, whose operations take ``within_s`` at most; raise ``OSError`` or ``ValueError``.

    Name and connection together take no longer than ``within_s``, of which each address of the name has its share;
    ``SilentNameServer`` when the name took all of it.
    """
    until_s = time.monotonic() + within_s
    found = resolved(host, port, within_s=within_s)
    last = OSError(f"{host} has no address")
    for at, (family, kind, protocol, _, address) in enumerate(found):
        share_s = max((until_s - time.monotonic()) / (len(found) - at), LEAST_S)
        try:
            return _dialled(family, kind, protocol, address, share_s=share_s, within_s=within_s)
        except OSError as error:  # also of a family that this host does not have: the next may do
            last = error
    raise last


def _dialled(
    family: int, kind: int, protocol: int, address: Address, *, share_s: float, within_s: float
) -> socket.socket:
    made = socket.socket(family, kind, protocol)
    try:
        made.settimeout(share_s)
        made.connect(address)
        made.settimeout(within_s)
    except BaseException:
        made.close()
        raise
    return made


def resolved(host: str, port: int, *, within_s: float) -> Found:
    """Return the addresses of a name; raise ``OSError``, ``ValueError``, and ``SilentNameServer`` after the time."""
    if not 0 < port <= PORT_MAX:
        raise ValueError(f"{port} is no port")
    answers: queue.SimpleQueue[Found | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001 - it is raised where somebody waits for it
            answers.put(error)

    # A daemon, since the question cannot be called off: nobody waits for it at the end of the process.
    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=within_s)
    except queue.Empty:
        raise SilentNameServer(within_s) from None
    if isinstance(answer, Exception):
        raise answer
    return answer
