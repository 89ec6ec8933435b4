"""Redis as breakers use it: short waits, no hidden retries, and where everything is kept."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import redis
from django.conf import settings

from reliability.kernel import redis_client

TIMEOUT_S: Final = 0.25
"""So long a connection may take, and so long an answer; a call that asks for a permit waits for both at most."""

_PREFIX: Final = "{mainstay.breakers}"  # one hash tag: all keys of a script on one node of a Redis Cluster
CLOCK: Final = f"{_PREFIX}:clock"
REVISION: Final = f"{_PREFIX}:revision"
"""Counts new generations; a channel of the same name tells whose."""
LOG: Final = f"{_PREFIX}:log"
PROCESSES: Final = f"{_PREFIX}:processes"
PROCESSES_AT: Final = f"{_PREFIX}:processes_at"
CHANGES: Final = f"{_PREFIX}:changes"
"""What persons have changed of rules, by breaker."""
DECLARED: Final = f"{_PREFIX}:declared"


def state(name: str) -> str:
    """Return where a breaker is kept."""
    return f"{_PREFIX}:state:{name}"


def evidence(name: str) -> str:
    """Return how all keys begin that keep what its fleet counted, by generation."""
    return f"{_PREFIX}:evidence:{name}:"


def traffic(name: str) -> str:
    """Return how all keys begin that keep its traffic, by the beginning of ten seconds."""
    return f"{_PREFIX}:traffic:{name}:"


def client(url: str = "", timeout_s: float = TIMEOUT_S) -> redis.Redis:
    """A client whose calls fail after ``timeout_s`` for the connection and as much for the answer."""
    return _client(url or settings.REDIS_URL, timeout_s)


@lru_cache(maxsize=8)
def _client(url: str, timeout_s: float) -> redis.Redis:
    return redis_client.impatient(url, timeout_s, tag=_PREFIX)
