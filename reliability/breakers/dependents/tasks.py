"""Celery tasks that wait with a breaker: sent again for later, which is no retry, and worked off as it recovers."""

from __future__ import annotations

import random as random_module
import threading
from collections.abc import Callable
from functools import wraps
from time import monotonic
from typing import Any, Final, TypeVar

import structlog

from reliability.breakers.dependents.waiting import WaitsFor, waits_for
from reliability.breakers.guard.around import Breaker
from reliability.breakers.guard.errors import BreakerOpen
from reliability.kafka.turnstile import Turnstile
from reliability.kernel import clock
from reliability.kernel.errors import Postponed

log = structlog.get_logger(__name__)

LONGEST_S: Final = 60.0
"""A message that waits is held by a worker; so it is below the time after which the broker gives it to another one."""

Function = TypeVar("Function", bound=Callable[..., Any])


def task_waits_for(
    *breakers: str | Breaker, longest_s: float = LONGEST_S, random: Callable[[], float] = random_module.random
) -> Callable[[Function], Function]:
    """Have a Celery task wait while one of these breakers does not let it pass; lies under ``@shared_task``.

    A task that may not run now is sent again with a countdown: when asking again is worth it and some more, by chance,
    so that not all come at once, ``longest_s`` seconds at most. Its ``retries`` stay what they are. ``BreakerOpen`` out
    of the task does the same. While a breaker recovers, each worker process spends only the ramp's share of its time
    on such tasks. Called directly, or eagerly, it raises ``BreakerOpen`` instead. Raises ``WrongRules`` for a name that
    is none.
    """
    waits = waits_for(*breakers)

    def around(function: Function) -> Function:
        pace = _Pace(waits)

        @wraps(function)
        def waiting(*args: Any, **kwargs: Any) -> Any:
            if not pace.may_start():
                return _come_again(waits, pace.error(), longest_s, random)
            began = monotonic()
            try:
                with waits.admitted():
                    return function(*args, **kwargs)
            except BreakerOpen as error:
                return _come_again(waits, error, longest_s, random)
            finally:
                pace.spent(monotonic() - began)

        return waiting  # type: ignore[return-value]  # as wraps says

    return around


class _Pace:
    """The turnstile of one kind of task, for all threads of a worker process."""

    def __init__(self, waits: WaitsFor) -> None:
        self._waits, self._lock = waits, threading.Lock()
        self._turnstile = Turnstile(waits, time=clock.SYSTEM)

    def may_start(self) -> bool:
        with self._lock:
            return self._turnstile.records() > 0

    def spent(self, spent_s: float) -> None:
        with self._lock:
            self._turnstile.spent(spent_s)

    def error(self) -> BreakerOpen:
        """What is said where nobody can send the task again."""
        passage = self._waits.passage()
        names = ", ".join(each.name for each in self._waits.breakers)
        again_s = self._waits.again_s() if passage.share == 0 else max(0.0, self._turnstile.waits_until_s - monotonic())
        return BreakerOpen(names, again_s, f"the work waits for {passage.reason or names}")


def _come_again(waits: WaitsFor, error: Postponed, longest_s: float, random: Callable[[], float]) -> None:
    """Send the task at hand again for later; raises ``error`` where there is none to send."""
    from celery import current_app
    from celery.exceptions import Ignore, Reject

    task = current_app.current_task
    if task is None or task.request.called_directly or task.request.is_eager:
        raise error
    request: Any = task.request
    wait_s = min(error.retry_after_s + random() * max(1.0, error.retry_after_s / 2, waits.ramp_left_s()), longest_s)
    again = task.signature_from_request(
        request, request.args, request.kwargs, countdown=wait_s, retries=request.retries
    )
    try:
        again.apply_async()
    except Exception as away:
        raise Reject(away, requeue=True) from away  # nobody took it: it stays where it was
    log.debug("task_waits", task=task.name, id=request.id, seconds=round(wait_s, 1), why=str(error))
    raise Ignore(str(error))
