"""Looks at every address at the moment a connection is made to it, whichever library makes it.

A name that was looked at before may resolve otherwise a moment later, a redirect or a proxy may lead elsewhere; so the
interpreter itself asks here (PEP 578, the event ``socket.connect``), in threads that are sending and in no others.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from reliability.alerts.domain.addresses import Network, refusal

_sending = threading.local()
_installing = threading.Lock()
_installed = False


class Forbidden(OSError):
    """A message must not go to that address."""


@contextmanager
def only_to(allowed: Sequence[Network]) -> Iterator[None]:
    """Have connections of this thread go to public addresses and to the allowed networks alone."""
    _install()
    _sending.allowed, _sending.refused = tuple(allowed), ""
    try:
        yield
    finally:
        _sending.allowed = None


def refusal_behind(error: BaseException | None) -> str:
    """Return why a connection was refused here that a library reports in words of its own; "" when it was not."""
    while error is not None:
        if isinstance(error, Forbidden):
            return str(error)
        error = error.__cause__ or error.__context__
    return str(getattr(_sending, "refused", ""))


def _install() -> None:
    """Once in a process, and only in one that sends: such a hook cannot be taken away again."""
    global _installed
    with _installing:
        if not _installed:
            sys.addaudithook(_look)
            _installed = True


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    allowed = getattr(_sending, "allowed", None)
    if allowed is None:
        return
    address = arguments[1]
    host = address[0] if isinstance(address, tuple) and address else address
    why = refusal(host, allowed=allowed) if isinstance(host, str) else "it is no address of the internet"
    if why:
        _sending.refused = why
        raise Forbidden(why)
