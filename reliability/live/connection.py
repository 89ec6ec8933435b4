"""Redis as live pages use it: short waits, no hidden retries."""

from __future__ import annotations

from functools import lru_cache

import redis
import redis.asyncio
from django.conf import settings

from reliability.kernel import redis_client

# A hint is worth less than the work it tells of: connecting and the answer may take this long each.
HINT_TIMEOUT_S = 0.08
READ_TIMEOUT_S = 0.5
_PREFIX = "{mainstay.live}"  # one hash tag: all keys of a script on one node of a Redis Cluster
EPOCH_KEY = f"{_PREFIX}:epoch"  # a random name for this life of the counter: another one means that Redis lost its data
COUNTER_KEY = f"{_PREFIX}:counter"
VERSIONS_KEY = f"{_PREFIX}:versions"  # sorted set: topic -> counter at its last change
NOTE_PREFIX = f"{_PREFIX}:note:"  # JSON beside a topic's last change


def client(timeout_s: float = READ_TIMEOUT_S, *, url: str = "") -> redis.Redis:
    """A client whose calls fail after ``timeout_s`` for the connection and as much for the answer.

    A slow name resolver is not covered by that: give an address, or have a resolver near.
    """
    return _client(timeout_s, url or settings.REDIS_URL)


@lru_cache(maxsize=8)
def _client(timeout_s: float, url: str) -> redis.Redis:
    return redis_client.impatient(url, timeout_s, tag=_PREFIX)


def async_client(timeout_s: float = READ_TIMEOUT_S, *, url: str = "") -> redis.asyncio.Redis:
    """The same for one event loop; the caller closes it."""
    return redis_client.impatient_async(url or settings.REDIS_URL, timeout_s, tag=_PREFIX)
