"""The newest snapshot in Redis, and what processes say of themselves. Whatever is lost here is in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import orjson
import redis
import structlog

from reliability.degradation import connection
from reliability.kernel import clock

log = structlog.get_logger(__name__)
T = TypeVar("T")

PROCESS_KEPT_S: Final = 30
LISTEN_S: Final = 1.0
AGAIN_AFTER_S: Final = 1.0

# KEYS: snapshot. ARGV: revision, text, 1 when whatever is kept is replaced. Only a newer one is kept and told.
_PUBLISH: Final = """
local kept = tonumber(redis.call('HGET', KEYS[1], 'revision') or '-1')
if tonumber(ARGV[1]) <= kept and ARGV[3] ~= '1' then return 0 end
redis.call('HSET', KEYS[1], 'revision', ARGV[1], 'text', ARGV[2])
redis.call('PUBLISH', KEYS[1], ARGV[2])
return 1
"""


class Unreachable(Exception):
    """Redis does not answer in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What a process said of itself. ``reads``: of each flag, how often it was read in a second, and by what."""

    id: str
    host: str
    pid: int
    service: str
    revision: int
    at_s: float
    reads: Mapping[str, float]
    readers: Mapping[str, Sequence[str]]


class RedisStore:
    """What is shared by way of Redis. Every call but ``listen`` raises ``Unreachable``, after a short time."""

    def __init__(self, client: redis.Redis | None = None) -> None:
        self._client = client

    def publish(self, revision: int, text: str, *, anyway: bool = False) -> bool:
        """Keep and tell a snapshot, unless a newer one is kept; return whether it was told. ``anyway``: always."""
        return bool(self._asked(lambda it: it.eval(_PUBLISH, 1, connection.SNAPSHOT, revision, text, int(anyway))))

    def revision(self) -> int | None:
        """Return the revision that is kept; None when none is."""
        kept = self._asked(lambda it: it.hget(connection.SNAPSHOT, "revision"))
        return int(kept) if kept is not None and str(kept).lstrip("-").isdigit() else None

    def newer(self, than: int) -> str | None:
        """Return the kept snapshot's text when its revision is higher; None otherwise."""
        kept = self.revision()
        if kept is None or kept <= than:
            return None
        text = self._asked(lambda it: it.hget(connection.SNAPSHOT, "text"))
        return None if text is None else str(text)

    def beat(self, process: str, said: Mapping[str, Any], declared: Mapping[str, str]) -> None:
        """Say that a process lives, what it reads, and which flags its code declares."""

        def tell(it: redis.Redis) -> None:
            seconds = clock.SYSTEM.now().timestamp()
            pipe = it.pipeline(transaction=False)
            pipe.hset(connection.PROCESSES, process, orjson.dumps({**said, "at": seconds}).decode())
            pipe.zadd(connection.PROCESSES_AT, {process: seconds})
            if declared:
                pipe.hset(connection.DECLARED, items=[part for pair in declared.items() for part in pair])
            pipe.execute()

        self._asked(tell)

    def declared(self) -> dict[str, str]:
        """Return the declarations that processes have told, as text, by name."""
        return dict(self._asked(lambda it: it.hgetall(connection.DECLARED)))

    def processes(self) -> list[Process]:
        """Return the processes that said something lately; the others are forgotten."""

        def ask(it: redis.Redis) -> list[Process]:
            late = f"({clock.SYSTEM.now().timestamp() - PROCESS_KEPT_S}"
            gone = it.zrangebyscore(connection.PROCESSES_AT, "-inf", late)
            if gone:
                pipe = it.pipeline(transaction=False)
                pipe.zrem(connection.PROCESSES_AT, *gone)
                pipe.hdel(connection.PROCESSES, *gone)
                pipe.execute()
            found = [_process(str(name), str(text)) for name, text in it.hgetall(connection.PROCESSES).items()]
            return sorted((each for each in found if each is not None), key=lambda each: each.id)

        return self._asked(ask)

    def listen(self, heard: Callable[[str], None], is_over: Callable[[], bool]) -> None:
        """Call ``heard`` with the text of each new snapshot until ``is_over``. Raises nothing."""
        while not is_over():
            try:
                with self._redis().pubsub(ignore_subscribe_messages=True) as listener:  # type: ignore[no-untyped-call]
                    listener.subscribe(connection.SNAPSHOT)
                    while not is_over():
                        message = listener.get_message(timeout=LISTEN_S)
                        if message is not None:
                            heard(str(message["data"]))
            except (redis.RedisError, OSError, ValueError) as error:
                log.debug("degradation_not_heard", error=str(error))
                clock.SYSTEM.sleep(AGAIN_AFTER_S)

    def _redis(self) -> redis.Redis:
        return self._client if self._client is not None else connection.client()

    def _asked(self, ask: Callable[[Any], T]) -> T:
        try:
            return ask(self._redis())
        except (redis.RedisError, OSError) as error:
            raise Unreachable(str(error) or type(error).__name__) from error


def _process(name: str, text: str) -> Process | None:
    try:
        said = orjson.loads(text)
        return Process(
            id=name,
            host=str(said["host"]),
            pid=int(said["pid"]),
            service=str(said["service"]),
            revision=int(said["revision"]),
            at_s=float(said["at"]),
            reads={str(flag): float(rate) for flag, rate in said["reads"].items()},
            readers={str(flag): [str(each) for each in names] for flag, names in said["readers"].items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError):  # a process of another version, or no process at all
        return None
