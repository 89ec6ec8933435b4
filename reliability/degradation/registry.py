"""The flags of this process, by name, and the one agent that keeps them true."""

from __future__ import annotations

import atexit
import os
import socket
import threading
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import connections

from reliability.degradation.domain.flags import Declaration, WrongFlag, declared
from reliability.degradation.domain.snapshot import Snapshot
from reliability.degradation.local import around
from reliability.degradation.local.agent import Agent
from reliability.degradation.local.flag import Flag
from reliability.degradation.queries import standing
from reliability.degradation.stores.shared import RedisStore
from reliability.kernel import clock
from reliability.kernel.errors import MainstayError
from reliability.live import forks

P = ParamSpec("P")
T = TypeVar("T")

_flags: dict[str, Flag] = {}
_lock = threading.Lock()
_agent: Agent | None = None


class NotDeclared(MainstayError):
    """No flag of this name is declared in this process."""


def declare(name: str, *, title: str, levels: Mapping[str, str], default: int = 0) -> Flag:
    """Declare a flag, once, where the code that reads it is; return it.

    ``levels``: those from 1 on, a short name to what users lose, the mildest first. ``default``: the level while nobody
    says anything, and where nothing can be found out. Raises ``WrongFlag``, also when it is declared otherwise before.
    """
    wanted = declared(name, title=title, levels=levels, default=default)
    with _lock:
        known = _flags.get(name)
        if known is None:
            known = _flags[name] = Flag(wanted, _begin)
        elif known.declaration != wanted:
            raise WrongFlag(f"{name} is declared twice, and differently: declare it in one place and import it")
    return known


def flag(name: str) -> Flag:
    """Return a declared flag; its ``level`` is read from this process's memory. Raises ``NotDeclared``."""
    try:
        return _flags[name]
    except KeyError:
        known = f" Declared are: {', '.join(sorted(_flags))}." if _flags else " None is declared."
        raise NotDeclared(
            f"{name!r:.80} is not declared in this process. Declare it where it is run at the start, such as "
            f'AppConfig.ready: degradation.declare("{name:.60}", title="...", levels={{"off": "..."}}).{known}'
        ) from None


def degraded(
    name: str, *, from_level: int = 1, otherwise: Callable[P, T]
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a function: from this level of the flag on, ``otherwise`` is called with the same arguments.

    Both are async functions or neither is. Raises ``NotDeclared``, ``WrongFlag``.
    """
    return around.degraded_to(flag(name), from_level=from_level, otherwise=otherwise)


def known(name: str) -> Flag | None:
    """Return a flag that this process declares; None for any other name."""
    return _flags.get(name)


def flags() -> list[Flag]:
    """Return the flags that this process declares."""
    return list(_flags.values())


def declarations() -> list[Declaration]:
    """Return what this process's code declares."""
    return [each.declaration for each in flags()]


def agent() -> Agent:
    """Return the agent of this process, made when a flag is read first."""
    global _agent  # one for each process
    with _lock:
        if _agent is None:
            service = getattr(settings, "OTEL_SERVICE_NAME", "") or "python"
            _agent = Agent(RedisStore(), truth, host=socket.gethostname(), service=service)
            _agent.flags = _flags
            os.register_at_fork(after_in_child=_renew)
            atexit.register(_agent.stop)
    return _agent


def truth(revision: int) -> Snapshot | None:
    """Read all flags from the database; None when their revision is still this one. For a thread of its own."""
    try:
        if revision >= 0 and standing.revision() == revision:
            return None
        return standing.snapshot(now=clock.SYSTEM.now())
    finally:
        connections.close_all()


def _begin(wanted: Flag) -> None:
    agent().begin(wanted)


def _renew() -> None:
    """In a child that was forked while a thread of its parent held the lock, nobody else would let it go."""
    global _lock  # the parent's is of no use here
    _lock = threading.Lock()
    forks.let_go_of_pools()
    if _agent is not None:
        _agent.renew()
