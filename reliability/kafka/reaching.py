"""Whether a server can be reached from here at all: a connection is made and ended, and nothing is sent."""

from __future__ import annotations

import socket
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from reliability.kernel import dialling

BROKERS_MAX = 50
"""Asked at most in one go; what holds of so many holds of the rest."""


def parts(server: str) -> tuple[str, int]:
    """Return host and port of ``host:port``; raise ``ValueError``."""
    host, _, port = server.strip().rpartition(":")
    return host.strip("[]"), int(port)


def why(error: OSError | ValueError) -> str:
    """Return why nobody could be reached, as the end of a sentence about a server."""
    if isinstance(error, socket.gaierror | UnicodeError):
        return "its name is not known here"
    if isinstance(error, dialling.SilentNameServer):
        return str(error)
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(error, TimeoutError):
        return "no answer"
    return str(error.strerror if isinstance(error, OSError) and error.strerror else error)


def unreachable(servers: Collection[str], *, within_s: float) -> dict[str, str]:
    """Return those of the servers (``host:port``) that take no connection from here, each with the reason."""
    asked = sorted(servers)[:BROKERS_MAX]
    with ThreadPoolExecutor(len(asked) or 1, thread_name_prefix="reach") as pool:
        answers = dict(zip(asked, pool.map(lambda each: _tried(each, within_s), asked), strict=True))
    return {server: reason for server, reason in answers.items() if reason}


def _tried(server: str, within_s: float) -> str:
    try:
        with dialling.connected(*parts(server), within_s=within_s):
            return ""
    except (OSError, ValueError) as error:
        return why(error)
