"""Ports that refuse, and ports that take a connection and never say a word."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


def refusing_port() -> int:
    """A loopback port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def silent_port() -> Iterator[int]:
    """A loopback port that accepts (the kernel does) and never answers: how a paused server looks from outside."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield listener.getsockname()[1]
