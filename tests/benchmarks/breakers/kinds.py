"""One way to lay any breaker around a call. Ours and the peers live in different environments; this runs in both."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FLEETS = ("ours", "interlock", "pybreaker-redis")
ALONE = ("pybreaker", "purgatory", "circuitbreaker")
KINDS = (*FLEETS, *ALONE)
LOST_S = 1.0
"""A probe counts as lost after this, where a breaker has a word for that."""


class Failed(Exception):
    """The dependency does not do well."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A breaker around a call: ``call`` lays it there; what is rejected raises one of ``rejects``."""

    call: Callable[[Callable[[], Any]], Any]
    wrap: Callable[[Callable[[], Any]], Callable[[], Any]]
    rejects: tuple[type[BaseException], ...]

    def ask(self, fails: bool = False, takes_s: float = 0.0) -> str:
        """Make one call; return ok, failed, rejected, or what else came out."""

        def dependency() -> None:
            if takes_s:
                time.sleep(takes_s)
            if fails:
                raise Failed

        try:
            self.call(dependency)
        except Failed:
            return "failed"
        except self.rejects:
            return "rejected"
        except Exception as error:  # noqa: BLE001 - whatever it lets through is a finding
            return f"raised {type(error).__name__}"
        return "ok"


def make(kind: str, url: str, *, open_s: float = 1.0, minimum: int = 5, permits: int = 3) -> Guarded:
    """Return a breaker that opens after ``minimum`` failures, for ``open_s``, and lets ``permits`` try, if it can."""
    makers = {
        "ours": _ours,
        "interlock": _interlock,
        "pybreaker-redis": _pybreaker_redis,
        "pybreaker": _pybreaker,
        "purgatory": _purgatory,
        "circuitbreaker": _circuitbreaker,
    }
    logging.disable(logging.CRITICAL)
    return makers[kind](url, open_s, minimum, permits)


def _ours(url: str, open_s: float, minimum: int, permits: int) -> Guarded:
    root = str(Path(__file__).parents[3])
    if root not in sys.path:
        sys.path.insert(0, root)
    from django.conf import settings

    if not settings.configured:
        settings.configure(REDIS_URL=url, DATABASES={}, INSTALLED_APPS=[])
    from reliability.breakers import BreakerOpen, Rules, breaker

    rules = Rules(
        minimum=minimum,
        consecutive=minimum,
        open_s=open_s,
        open_max_s=max(open_s, 300.0),
        open_factor=1.0,
        jitter=0.0,
        permits=permits,
        permit_s=LOST_S,
        ramp=(100,),
        ramp_s=0.5,
    )
    made = breaker("payments", rules=rules)

    def call(function: Callable[[], Any]) -> Any:
        with made:
            return function()

    return Guarded(call, made, (BreakerOpen,))


def _interlock(url: str, open_s: float, minimum: int, permits: int) -> Guarded:
    import redis
    from interlock import CircuitBreaker, CircuitOpenError, Config
    from interlock.integrations.redis import RedisStorage

    config = Config(
        minimum_number_of_calls=minimum,
        window_size=2 * minimum,
        permitted_calls_in_half_open=permits,
        max_concurrent_probes=permits,
        wait_duration_in_open=open_s,
    )
    client = redis.Redis.from_url(url, socket_timeout=0.25, socket_connect_timeout=0.25)
    made = CircuitBreaker(name="payments", config=config, storage=RedisStorage(client, state_ttl=max(3.0, 3 * open_s)))
    return Guarded(lambda function: made.call_sync(function), made, (CircuitOpenError,))


def _pybreaker_redis(url: str, open_s: float, minimum: int, permits: int) -> Guarded:
    import pybreaker
    import redis

    client = redis.Redis.from_url(url, socket_timeout=0.25, socket_connect_timeout=0.25)
    storage = pybreaker.CircuitRedisStorage(pybreaker.STATE_CLOSED, client, namespace="payments")
    made = pybreaker.CircuitBreaker(fail_max=minimum, reset_timeout=open_s, state_storage=storage)
    return Guarded(made.call, made, (pybreaker.CircuitBreakerError,))


def _pybreaker(url: str, open_s: float, minimum: int, permits: int) -> Guarded:
    import pybreaker

    made = pybreaker.CircuitBreaker(fail_max=minimum, reset_timeout=open_s)
    return Guarded(made.call, made, (pybreaker.CircuitBreakerError,))


def _purgatory(url: str, open_s: float, minimum: int, permits: int) -> Guarded:
    from purgatory import SyncCircuitBreakerFactory
    from purgatory.domain.model import OpenedState

    made = SyncCircuitBreakerFactory(default_threshold=minimum, default_ttl=open_s)

    def call(function: Callable[[], Any]) -> Any:
        with made.get_breaker("payments"):
            return function()

    return Guarded(call, made("payments"), (OpenedState,))


def _circuitbreaker(url: str, open_s: float, minimum: int, permits: int) -> Guarded:
    from circuitbreaker import CircuitBreaker, CircuitBreakerError

    made = CircuitBreaker(failure_threshold=minimum, recovery_timeout=open_s)
    return Guarded(lambda function: made(function)(), made, (CircuitBreakerError,))


def trip(guarded: Guarded, *, within_s: float = 5.0) -> bool:
    """Fail until it rejects; tell whether it did."""
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        outcome = guarded.ask(fails=True)
        if outcome == "rejected":
            return True
        time.sleep(0.02)
    return False


def end() -> None:
    """End a child at once: what threads of a breaker still do is not measured."""
    sys.stdout.flush()
    os._exit(0)
