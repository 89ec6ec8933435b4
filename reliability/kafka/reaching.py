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
    lost = {}
    for server, answer in _dialled(servers, within_s=within_s).items():
        if isinstance(answer, str):
            lost[server] = answer
        else:
            answer.close()
    return lost


def first(servers: Collection[str], *, within_s: float) -> tuple[socket.socket | None, str, dict[str, str]]:
    """Return a connection to a server that takes one, and its host; else None, "" and why each does not."""
    answers = _dialled(servers, within_s=within_s)
    reached = [(answer, server) for server, answer in answers.items() if not isinstance(answer, str)]
    for spare, _ in reached[1:]:
        spare.close()
    if reached:
        return reached[0][0], parts(reached[0][1])[0], {}
    return None, "", {server: answer for server, answer in answers.items() if isinstance(answer, str)}


def _dialled(servers: Collection[str], *, within_s: float) -> dict[str, socket.socket | str]:
    """Dial all at once: a connection each, or why there is none."""
    asked = sorted(servers)[:BROKERS_MAX]
    with ThreadPoolExecutor(len(asked) or 1, thread_name_prefix="reach") as pool:
        return dict(zip(asked, pool.map(lambda each: _tried(each, within_s), asked), strict=True))


def _tried(server: str, within_s: float) -> socket.socket | str:
    try:
        return dialling.connected(*parts(server), within_s=within_s)
    except (OSError, ValueError) as error:
        return why(error)
