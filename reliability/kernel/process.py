"""The loop under every long-running command: signals, stop, heartbeat, back-off."""

from __future__ import annotations

import _thread
import gc
import random
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Protocol

import structlog

from reliability.kernel import backoff, clock

log = structlog.get_logger(__name__)

HEARTBEAT_EVERY_S = 2.0
ERROR_BACKOFF_BASE_S = 0.5
ERROR_BACKOFF_CAP_S = 15.0  # an outage that ends is noticed within this time


class Heartbeat(Protocol):
    """Where a process says that it lives."""

    def beat(self, name: str, *, state: str, facts: Mapping[str, object]) -> None:
        """Record that process ``name`` is in ``state``; never raises."""


class Silent:
    """A heartbeat nobody listens to."""

    def beat(self, name: str, *, state: str, facts: Mapping[str, object]) -> None:
        return None


def run(
    step: Callable[[], bool],
    *,
    name: str,
    heartbeat: Heartbeat,
    stop: threading.Event,
    idle_s: float = 0.2,
    facts: Callable[[], Mapping[str, object]] = dict,
    time: clock.Clock = clock.SYSTEM,
) -> None:
    """Call ``step`` until ``stop`` is set.

    ``step`` returns True to be called again at once, False to wait ``idle_s`` seconds. An error is logged and answered
    with a growing wait; it never ends the process, because a supervisor's restart would only lose what is known.
    The heartbeat says ``running``, ``failing`` (with the error) or ``stopped``.
    """
    failures = 0
    last_beat_s = -HEARTBEAT_EVERY_S
    error_text = ""
    while not stop.is_set():
        if time.monotonic() - last_beat_s >= HEARTBEAT_EVERY_S:
            last_beat_s = time.monotonic()
            state = "failing" if failures else "running"
            heartbeat.beat(name, state=state, facts={**facts(), **({"error": error_text} if error_text else {})})
        try:
            again = step()
        except Exception as error:  # the loop's edge: logged, shown in the heartbeat, retried with back-off
            failures += 1
            error_text = f"{type(error).__name__}: {error}"[:500]
            log.warning("step_failed", process=name, failures=failures, error=error_text, exc_info=failures == 1)
            stop.wait(
                backoff.delay_s(
                    attempt=failures, base_s=ERROR_BACKOFF_BASE_S, cap_s=ERROR_BACKOFF_CAP_S, random=random.random
                )
            )
            continue
        if failures:
            log.info("step_recovered", process=name, failures=failures)
        failures, error_text = 0, ""
        if not again:
            stop.wait(idle_s)
    heartbeat.beat(name, state="stopped", facts=facts())


COLLECT_AFTER = (50_000, 20, 20)  # objects, and rounds of the younger ones; a look at a cluster makes some ten thousand


def keep_what_is_loaded() -> None:
    """Take what a process has loaded out of garbage collection, for a loop that makes many objects a second.

    Code and settings live as long as the process; looking through them again and again costs a flood a fifth of its
    speed. What is new is looked through less often, too: a loop makes few circles, and its objects by the thousand.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def set_soon(event: threading.Event) -> None:
    """Set an event from a signal handler, by another thread.

    An event's lock may be in the hands of the code that the signal interrupted, such as the handler of the signal
    before: to set it there and then would wait for that code, for good. The bare call takes no lock of its own.
    """
    with suppress(RuntimeError):  # the interpreter is ending already
        _thread.start_new_thread(event.set, ())


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Give an event that SIGTERM, SIGINT and SIGHUP set; the former handlers come back at the end. Main thread only."""
    stop = threading.Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        set_soon(stop)

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, ask_to_stop) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
