"""Redis as degradation uses it: short waits, no hidden retries, and where everything is kept."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import redis
from django.conf import settings

from reliability.kernel import redis_client

TIMEOUT_S: Final = 0.5
"""So long a connection may take, and so long an answer. Only threads in the background wait for it."""

_PREFIX: Final = "{mainstay.degradation}"  # one hash tag: all keys of a script on one node of a Redis Cluster
SNAPSHOT: Final = f"{_PREFIX}:snapshot"
"""The newest text of all flags with its revision; a channel of the same name carries each new one."""
PROCESSES: Final = f"{_PREFIX}:processes"
PROCESSES_AT: Final = f"{_PREFIX}:processes_at"
DECLARED: Final = f"{_PREFIX}:declared"
COPY: Final = f"{_PREFIX}:copy:"
"""Before the key of a copy of an answer."""
COPY_TAG: Final = f"{_PREFIX}:copy_tag:"
"""Before a tag of copies: its generation."""
COPIES_COUNTED: Final = f"{_PREFIX}:copies_counted:"
"""Before a minute since 1970: how often which copies were the answer in it."""
COPIES_ABOUT: Final = f"{_PREFIX}:copies_about"
ALL: Final = (SNAPSHOT, PROCESSES, PROCESSES_AT, DECLARED)


def client(url: str = "", timeout_s: float = TIMEOUT_S) -> redis.Redis:
    """A client whose calls fail after ``timeout_s`` for the connection and as much for the answer."""
    return _client(url or settings.REDIS_URL, timeout_s)


@lru_cache(maxsize=8)
def _client(url: str, timeout_s: float) -> redis.Redis:
    return redis_client.impatient(url, timeout_s, tag=_PREFIX)
