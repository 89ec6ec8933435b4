"""Redis as live pages use it: short waits, no hidden retries."""

from __future__ import annotations

from functools import lru_cache

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

# A hint is worth less than the work it tells of: connecting and the answer may take this long each.
HINT_TIMEOUT_S = 0.08
READ_TIMEOUT_S = 0.5
KEY_PREFIX = "{mainstay.live}"  # one hash tag: all keys of a script on one node of a Redis Cluster
VERSION_PREFIX = f"{KEY_PREFIX}:version:"
COUNTER_KEY = f"{KEY_PREFIX}:counter"
DIRTY_KEY = f"{KEY_PREFIX}:dirty"
LEASE_KEY = f"{KEY_PREFIX}:pulse"


@lru_cache(maxsize=4)
def client(timeout_s: float = READ_TIMEOUT_S, *, url: str = "") -> redis.Redis:
    """A client whose calls fail after ``timeout_s`` for the connection and as much for the answer. Host names that
    the resolver is slow with are not covered by that: give addresses, or a local resolver.
    """
    return redis.Redis.from_url(
        url or settings.REDIS_URL,
        socket_connect_timeout=timeout_s,
        socket_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
        protocol=2,  # no handshake round trip
    )


def async_client(timeout_s: float = READ_TIMEOUT_S) -> redis.asyncio.Redis:
    """The same for an event loop; the caller closes it."""
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=timeout_s,
        socket_timeout=timeout_s,
        retry=AsyncRetry(NoBackoff(), 0),
        driver_info=None,
        protocol=2,
    )
