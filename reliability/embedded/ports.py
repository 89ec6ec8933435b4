"""Free TCP ports on the loopback address."""

from __future__ import annotations

import contextlib
import socket

LOOPBACK = "127.0.0.1"


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


def any_free() -> int:
    """A loopback port the system says is free at this moment."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def choose(*preferred: int | None) -> int:
    """The first of the preferred ports that is free, else any free one."""
    for port in preferred:
        if port is not None and is_free(port):
            return port
    return any_free()
