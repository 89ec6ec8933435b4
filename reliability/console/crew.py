"""Questions asked side by side, each in a thread of its own: who does not answer in time is left behind.

A thread cannot be ended from outside. So there are few, and a question is not asked again while it has no answer.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import structlog
from django.db import connections

from reliability.kernel import clock

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """How a question ended.

    ``done``: ``value``; ``failed``: ``error``; ``slow``: begun, and not over when the time was; ``busy``: not begun,
    because there was no thread for it in time. ``took_s`` is None for the last two.
    """

    state: Literal["done", "failed", "slow", "busy"]
    value: T | None = None
    error: BaseException | None = None
    took_s: float | None = None


class _Asking(Generic[T]):
    """A question under way."""

    __slots__ = ("answer", "is_left")

    def __init__(self) -> None:
        self.answer: Answer[T] | None = None
        self.is_left = False


class Crew:
    """Threads that ask: ``most`` at once in the whole process, and no question twice at once.

    A question that hangs holds one thread until it ends, however often it is asked; the others are for the rest.
    """

    def __init__(self, most: int, *, time: clock.Clock = clock.SYSTEM) -> None:
        self._most, self._time = most, time
        self._running: set[str] = set()
        self._changed = threading.Condition()

    def ask(self, questions: Mapping[str, Callable[[], T]], *, within_s: float) -> dict[str, Answer[T]]:
        """Ask all, in this order as far as there are threads, and return after ``within_s`` seconds at the latest.

        A question's name stands for it between callers. What it left open in the database is closed when it ends.
        """
        end_s = self._time.monotonic() + within_s
        waiting = dict(questions)
        asked: dict[str, _Asking[T]] = {}
        with self._changed:
            while True:
                for name in [name for name in waiting if name not in self._running]:
                    if len(self._running) < self._most:
                        asked[name] = self._begin(name, waiting.pop(name))
                left_s = end_s - self._time.monotonic()
                if left_s <= 0 or not (waiting or any(each.answer is None for each in asked.values())):
                    return {name: _told(asked.get(name)) for name in questions}
                self._changed.wait(left_s)

    def _begin(self, name: str, question: Callable[[], T]) -> _Asking[T]:
        asking: _Asking[T] = _Asking()
        context = contextvars.copy_context()  # its spans and log lines belong to who asks
        thread = threading.Thread(
            target=context.run, args=(self._run, name, question, asking), name=f"ask-{name}", daemon=True
        )
        thread.start()
        self._running.add(name)
        return asking

    def _run(self, name: str, question: Callable[[], T], asking: _Asking[T]) -> None:
        begun_s = self._time.monotonic()
        answer: Answer[T] = Answer(state="failed")
        try:
            answer = Answer(state="done", value=question())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asked, which decides
            answer = Answer(state="failed", error=error)
        finally:
            try:
                connections.close_all()
            finally:
                self._end(name, asking, answer, took_s=self._time.monotonic() - begun_s)

    def _end(self, name: str, asking: _Asking[T], answer: Answer[T], *, took_s: float) -> None:
        with self._changed:
            self._running.discard(name)
            asking.answer = Answer(state=answer.state, value=answer.value, error=answer.error, took_s=took_s)
            self._changed.notify_all()
        if asking.is_left:
            log.warning("answered_too_late", question=name, took_s=round(took_s, 2), error=str(answer.error or ""))


def _told(asking: _Asking[T] | None) -> Answer[T]:
    if asking is None:
        return Answer(state="busy")
    if asking.answer is None:
        asking.is_left = True
        return Answer(state="slow")
    return asking.answer
