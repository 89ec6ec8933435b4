"""The one thread beside a polling thread, so that slow work does not stop the polling."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

T = TypeVar("T")


class Worker(Protocol):
    """Runs one thing at a time."""

    def submit(self, task: Callable[[], T]) -> Future[T]:
        """Start `task`; nothing else may be under way."""

    def stop(self) -> None:
        """End after the task under way; do not wait for it."""


class Thread:
    """A worker that is a daemon thread: a task that hangs cannot keep the process from ending.

    `at_exit` runs on that thread at its end, for what belongs to the thread (database connections).
    """

    def __init__(self, name: str, *, at_exit: Callable[[], None] | None = None) -> None:
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._at_exit = at_exit
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, task: Callable[[], T]) -> Future[T]:
        """See `Worker`."""
        future: Future[T] = Future()
        self._tasks.put(lambda: _settle(future, task))
        return future

    def stop(self) -> None:
        """See `Worker`."""
        self._tasks.put(None)

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()
        if self._at_exit is not None:
            self._at_exit()


class Inline:
    """A worker that works on the caller's thread: for tests that move the clock by hand."""

    def submit(self, task: Callable[[], T]) -> Future[T]:
        """See `Worker`."""
        future: Future[T] = Future()
        _settle(future, task)
        return future

    def stop(self) -> None:
        """See `Worker`."""


def _settle(future: Future[T], task: Callable[[], T]) -> None:
    try:
        result = task()
    except BaseException as error:  # noqa: BLE001 - handed to the thread that asked, which decides
        future.set_exception(error)
    else:
        future.set_result(result)
