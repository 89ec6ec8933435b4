"""Free TCP ports on the loopback address."""

from __future__ import annotations

import contextlib
import random
import socket

LOOPBACK = "127.0.0.1"
SERVERS = range(10_000, 32_000)
"""Above the usual servers, below what Linux gives to connections that are made (from 32,768 on)."""
_DICE = random.SystemRandom()  # whoever seeds the other one would have two runs choose the same


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with contextlib.closing(socket.socket()) as probe:
        # As servers do: a port whose last connections are still fading out is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def answers(port: int, *, timeout_s: float = 0.5) -> bool:
    """Whether something accepts connections on this loopback port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout_s):
            return True
    except OSError:
        return False


def any_free(*, within: range = SERVERS) -> int:
    """A loopback port that is free at this moment, of those that no connection takes for its own end.

    What the system hands out by itself it hands to the next connection, too, before a server has begun to listen there.
    """
    for _ in range(100):
        port = _DICE.choice(within)
        if is_free(port):
            return port
    with contextlib.closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def choose(*preferred: int | None) -> int:
    """The first of the preferred ports that is free, else any free one."""
    for port in preferred:
        if port is not None and is_free(port):
            return port
    return any_free()
