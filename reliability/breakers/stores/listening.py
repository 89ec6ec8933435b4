"""Hearing at once of breakers that have moved. What is missed is found by the revision that every beat reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import redis
import structlog

from reliability.breakers import connection
from reliability.kernel import clock

log = structlog.get_logger(__name__)

LISTEN_S: Final = 1.0
AGAIN_AFTER_S: Final = 1.0


def listen(moved: Callable[[str], None], is_over: Callable[[], bool]) -> None:
    """Call ``moved`` with the name of each breaker that moves, until ``is_over``. Raises nothing."""
    while not is_over():
        try:
            with connection.client().pubsub(ignore_subscribe_messages=True) as listener:  # type: ignore[no-untyped-call]
                listener.subscribe(connection.REVISION)
                while not is_over():
                    message = listener.get_message(timeout=LISTEN_S)
                    if message is not None:
                        moved(str(message["data"]))
        except (redis.RedisError, OSError, ValueError) as error:
            log.debug("breakers_not_heard", error=str(error))
            clock.SYSTEM.sleep(AGAIN_AFTER_S)
