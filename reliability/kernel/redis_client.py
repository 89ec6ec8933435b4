"""A Redis client for those who must not wait for Redis: short waits, no hidden retries."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


def impatient(url: str, timeout_s: float) -> redis.Redis:
    """Return a client whose calls fail after ``timeout_s`` for the connection and as much for the answer.

    A slow name resolver is not covered by that: give an address, or have a resolver near.
    """
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=timeout_s,
        socket_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
        protocol=2,  # no handshake round trip
        decode_responses=True,
    )
