"""Looks at every address at the moment of connecting to it, whichever library does that; ends what takes too long.

A name that was looked at before may resolve otherwise a moment later, a redirect or a proxy may lead elsewhere; so the
interpreter itself asks here (PEP 578), in contexts that are sending and in no others. Datagrams need no connection.
Libraries know no limit for a whole try, only for each wait: one byte now and then would keep them busy for ever.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from reliability.alerts.domain.addresses import Network, refusal

_LEADING: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class Forbidden(OSError):
    """A message must not go to that address."""


@dataclass(slots=True)
class Watch:
    """One try: where it may connect to, and what came of it."""

    allowed: Sequence[Network]
    refused: str = ""
    is_over: bool = False
    """Whether its time ended before it did."""
    connections: list[socket.socket] = field(default_factory=list)
    """Handles of our own to what is connected: libraries wrap theirs into others."""

    def end(self) -> None:
        """Cut every connection: whoever reads from one finds it closed."""
        self.is_over = True
        for each in self.connections:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


_sending: ContextVar[Watch | None] = ContextVar("alerts_sending", default=None)
_installing = threading.Lock()
_installed = False


@contextmanager
def watched(allowed: Sequence[Network], *, seconds: float) -> Iterator[Watch]:
    """Have connections of this context go to public addresses and to the allowed networks alone, and end in time."""
    _install()
    watch = Watch(allowed=allowed)
    timer = threading.Timer(seconds, watch.end)
    timer.daemon = True
    timer.start()
    before = _sending.set(watch)
    try:
        yield watch
    finally:
        _sending.reset(before)
        timer.cancel()
        for each in watch.connections:
            each.close()


def _install() -> None:
    """Once in a process, and only in one that sends: such a hook cannot be taken away again."""
    global _installed
    with _installing:
        if not _installed:
            sys.addaudithook(_look)
            _installed = True


def _look(
    event: str,
    arguments: tuple[Any, ...],
    leading: frozenset[str] = _LEADING,  # its own: a process that ends takes the module's names away, never the hook
    sending: ContextVar[Watch | None] = _sending,
) -> None:
    if event not in leading:
        return
    watch = sending.get()
    if watch is None:
        return
    connection, address = arguments
    if event == "socket.sendmsg" and address is None:  # over what is connected already
        return
    host = address[0] if isinstance(address, tuple) and address else address
    why = refusal(host, allowed=watch.allowed) if isinstance(host, str) else "it is no address of the internet"
    if why:
        watch.refused = why
        raise Forbidden(why)
    if event == "socket.connect":
        watch.connections.append(connection.dup())
    if watch.is_over:  # a name that took long to look up, or one address after another that says nothing
        raise TimeoutError("its time is over")
