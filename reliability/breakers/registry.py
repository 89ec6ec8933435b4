"""The breakers of this process, by name, and the one agent that keeps them true."""

from __future__ import annotations

import atexit
import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from django.db import connections

from reliability.breakers.domain.machine import Breaker as Machine
from reliability.breakers.domain.rules import NAME, Rules, WrongRules
from reliability.breakers.guard.agent import Agent, Truth, nothing_known
from reliability.breakers.guard.around import Breaker
from reliability.breakers.guard.guard import Guard
from reliability.breakers.stores.fleet import Fleet
from reliability.breakers.stores.listening import listen
from reliability.breakers.stores.shared import RedisStore
from reliability.live import forks

ANY: Final = (Exception,)

_breakers: dict[str, Breaker] = {}
_lock = threading.Lock()
_agent: Agent | None = None
_truth: Truth = nothing_known


def breaker(
    name: str,
    *,
    rules: Rules | None = None,
    errors: tuple[type[Exception], ...] = ANY,
    failed: Callable[[Any], bool] | None = None,
    probe: Callable[[], object] | None = None,
) -> Breaker:
    """Return the breaker of this name, made at the first time; all processes that name it share it.

    ``rules`` (else the usual ones), ``errors``, ``failed`` and ``probe`` are said once, where it is declared; calls
    with the name alone return the same one, before and after. ``errors``: exceptions that count as failures; any other
    shows that there was an answer. ``failed`` looks at what a decorated function returned. ``probe`` is called instead
    of a user's call, in a thread, when an open breaker may be tried: it raises one of ``errors`` while the other side
    is in trouble, and has a timeout of its own. Give one where a degradation takes the calls away: without calls
    nothing tries. A process that only names it goes by the rules that another one declares. Raises ``WrongRules`` for a
    name that is none, and when it is declared twice and differently.
    """
    found = _breakers.get(name)
    declares = rules is not None or errors != ANY or failed is not None or probe is not None
    if found is not None and not declares:
        return found
    if not NAME.fullmatch(name):
        raise WrongRules(f"{name[:80]!r} is no name: small letters, digits, ., - and _, such as payments-api")
    with _lock:
        found = _breakers.get(name)
        if found is None:
            guard = Guard(name, rules or Rules(), agent(), errors=errors, failed=failed, is_declared=declares)
            found = _breakers[name] = Breaker(guard)
        elif declares and not found.guard.is_declared:
            found.guard.declare(rules or Rules(), errors, failed)
            agent().moved(name)  # what a person has changed of the rules lies over these too
        elif rules is not None and rules != found.guard.declared:
            raise WrongRules(f"{name} is declared twice, with different rules")
        if probe is not None:
            found.guard.probe = _closing(probe)
    return found


def _closing(probe: Callable[[], object]) -> Callable[[], object]:
    """The probe, in a thread that keeps no connection to a database."""

    def run() -> object:
        try:
            return probe()
        finally:
            connections.close_all()

    return run


def known() -> list[Breaker]:
    """Return the breakers that this process has named."""
    return list(_breakers.values())


def agent() -> Agent:
    """Return the agent of this process."""
    global _agent  # one for each process, made when the first breaker is
    if _agent is None:
        _agent = Agent(Fleet(RedisStore()), socket.gethostname(), truth=_written_down, listen=listen)
        os.register_at_fork(after_in_child=_renew)
        atexit.register(_agent.stop)
    return _agent


def _renew() -> None:
    """In a child that was forked while a thread of its parent held the lock, nobody else would let it go."""
    global _lock  # the parent's is of no use here
    _lock = threading.Lock()
    forks.let_go_of_pools()
    if _agent is not None:
        _agent.renew()


def asks(truth: Truth) -> None:
    """Have this asked, in a thread of the agent's, for breakers that the fleet's store does not know."""
    global _truth
    _truth = truth


def _written_down(names: Sequence[str]) -> Mapping[str, Machine]:
    try:
        return _truth(names)
    finally:
        connections.close_all()
