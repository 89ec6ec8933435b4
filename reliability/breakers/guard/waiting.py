"""Waiting for the fleet in an event loop: in a thread, so that no task but the one that asks waits."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from reliability.breakers.guard.guard import Guard
from reliability.breakers.stores.fleet import Permit

THREADS: Final = 4
"""Of a process: a few calls try while a breaker is half open, and all others are decided without asking."""

T = TypeVar("T")


def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="breakers-asking")


_threads = _pool()


def _renew() -> None:
    global _threads  # threads do not live on in a child
    _threads = _pool()


os.register_at_fork(after_in_child=_renew)


async def admitted(guard: Guard) -> Permit | None:
    """Let a call pass that does not pass freely, with a permit if it has one; raises ``BreakerOpen``.

    A task that is cancelled while it waits hands back what it is given.
    """
    if not guard.started:
        await asyncio.shield(asyncio.wrap_future(_threads.submit(guard.begin)))
    carried = guard.carried()
    if carried is not None:
        return carried.take()
    if guard.passes():
        return None
    asked = _threads.submit(guard.ask)
    try:
        return await asyncio.shield(asyncio.wrap_future(asked))
    except asyncio.CancelledError:
        asked.add_done_callback(lambda done: _hand_back(guard, done))
        raise


async def told(tell: Callable[[], T]) -> T:
    """Say how a call ended, whatever becomes of the task meanwhile."""
    return await asyncio.shield(asyncio.wrap_future(_threads.submit(tell)))


def _hand_back(guard: Guard, asked: Future[Permit | None]) -> None:
    if asked.cancelled() or asked.exception() is not None:
        return
    permit = asked.result()
    if permit is not None:
        _threads.submit(guard.hand_back, permit)
