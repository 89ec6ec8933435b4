"""Copies of answers in Redis, by which a process that begins need not ask; and how often each was the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import orjson
import redis

from reliability.degradation import connection
from reliability.degradation.domain.fallback import STALE_S_MAX, Copy
from reliability.degradation.stores.copies import Generations
from reliability.degradation.stores.shared import Unreachable
from reliability.kernel import clock

T = TypeVar("T")

CALLER_WAITS_S: Final = 0.2
"""So long a caller may wait for Redis, once for the connection and once for the answer, then it goes on without."""
MINUTES_KEPT: Final = 30
ABOUT_KEPT_S: Final = 86_400

# KEYS: the copy, then its tags. Returns the copy when its generations hold, and the generations of now.
_FIND: Final = """
local now = {}
for i = 2, #KEYS do now[i - 1] = redis.call('GET', KEYS[i]) or '' end
local kept = redis.call('HMGET', KEYS[1], 'text', 'at', 'generations')
if not kept[1] or kept[3] ~= cjson.encode(now) then return {false, false, now} end
return {kept[1], kept[2], now}
"""
# KEYS: the copy, then its tags. ARGV: text, seconds since 1970, milliseconds to keep it, then the generations.
_KEEP: Final = """
local now = {}
for i = 2, #KEYS do
  now[i - 1] = redis.call('GET', KEYS[i]) or ''
  if now[i - 1] ~= ARGV[i + 2] then return 0 end
end
redis.call('HSET', KEYS[1], 'text', ARGV[1], 'at', ARGV[2], 'generations', cjson.encode(now))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""
# KEYS: what is said of caches. ARGV: name, facts, when it answered last, when an old copy was served last, how old.
# Of instants the latest of all processes stays; "" for none.
_ABOUT: Final = """
local function latest(what, at)
  if at == '' or tonumber(at) <= tonumber(redis.call('HGET', KEYS[1], what) or '0') then return false end
  redis.call('HSET', KEYS[1], what, at)
  return true
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
latest(ARGV[1] .. '|asked_at', ARGV[3])
if latest(ARGV[1] .. '|stale_at', ARGV[4]) then redis.call('HSET', KEYS[1], ARGV[1] .. '|stale_age_s', ARGV[5]) end
"""
_LATEST: Final = ("asked_at", "stale_at", "stale_age_s")


class SharedCopies:
    """Copies that all processes share. Every call raises ``Unreachable``, after a short time."""

    def __init__(self, client: redis.Redis | None = None) -> None:
        self._client = client

    def find(self, key: str, tags: Sequence[str]) -> tuple[Copy | None, Generations]:
        keys = _keys(key, tags)
        text, at, now = self._asked(lambda it: it.eval(_FIND, len(keys), *keys))
        copy = None if text is None else Copy(text=str(text), at_s=float(at))
        return copy, tuple(map(str, now))

    def keep(self, key: str, copy: Copy, tags: Sequence[str], generations: Generations, *, for_s: float) -> bool:
        keys = _keys(key, tags)
        given = [copy.text, repr(copy.at_s), max(1, int(for_s * 1000)), *generations]
        return bool(self._asked(lambda it: it.eval(_KEEP, len(keys), *keys, *given)))

    def invalidate(self, tags: Sequence[str], generation: str) -> None:
        def tell(it: redis.Redis) -> None:
            pipe = it.pipeline(transaction=False)
            for tag in tags:  # longer than any copy from before it is kept
                pipe.set(connection.COPY_TAG + tag, generation, ex=int(STALE_S_MAX) + 60)
            pipe.execute()

        self._asked(tell)

    def generations(self, tags: Sequence[str]) -> Generations:
        if not tags:
            return ()
        found = self._asked(lambda it: it.mget([connection.COPY_TAG + tag for tag in tags]))
        return tuple(str(each) if each is not None else "" for each in found)

    def tell(self, counts: Mapping[str, Mapping[str, int]], about: Mapping[str, Mapping[str, Any]]) -> None:
        """Add to the counts of this minute, name by outcome; say of each name what it is."""

        def tell(it: redis.Redis) -> None:
            minute = _minute_key(_minute())
            pipe = it.pipeline(transaction=False)
            for name, outcomes in counts.items():
                for outcome, times in outcomes.items():
                    pipe.hincrby(minute, f"{name}|{outcome}", times)
            pipe.expire(minute, (MINUTES_KEPT + 1) * 60)
            for name, facts in about.items():
                fixed = orjson.dumps({what: fact for what, fact in facts.items() if what not in _LATEST}).decode()
                instants = ["" if facts.get(what) is None else repr(facts[what]) for what in _LATEST]
                pipe.eval(_ABOUT, 1, connection.COPIES_ABOUT, name, fixed, *instants)
            pipe.expire(connection.COPIES_ABOUT, ABOUT_KEPT_S)
            pipe.execute()

        if counts or about:
            self._asked(tell)

    def counted(self, *, minutes: int) -> dict[str, dict[str, int]]:
        """Return counts of the last minutes, at most ``MINUTES_KEPT``, name by outcome."""
        newest = _minute()

        def ask(it: redis.Redis) -> list[dict[str, str]]:
            pipe = it.pipeline(transaction=False)
            for minute in range(newest - min(minutes, MINUTES_KEPT) + 1, newest + 1):
                pipe.hgetall(_minute_key(minute))
            return pipe.execute()

        found: dict[str, dict[str, int]] = {}
        for fields in self._asked(ask):
            for field, times in fields.items():
                name, _, outcome = field.partition("|")
                outcomes = found.setdefault(name, {})
                outcomes[outcome] = outcomes.get(outcome, 0) + int(times)
        return found

    def about(self) -> dict[str, dict[str, Any]]:
        """Return what processes said of each name, and of its instants the latest."""
        kept = self._asked(lambda it: it.hgetall(connection.COPIES_ABOUT))
        found: dict[str, dict[str, Any]] = {}
        for field, text in kept.items():
            name, _, what = str(field).partition("|")
            found.setdefault(name, {}).update({what: float(text)} if what else orjson.loads(text))
        return found

    def _asked(self, ask: Callable[[Any], T]) -> T:
        try:
            return ask(self._client if self._client is not None else connection.client("", CALLER_WAITS_S))
        except (redis.RedisError, OSError) as error:
            raise Unreachable(str(error) or type(error).__name__) from error


def _keys(key: str, tags: Sequence[str]) -> list[str]:
    return [connection.COPY + key, *(connection.COPY_TAG + tag for tag in tags)]


def _minute() -> int:
    return int(clock.SYSTEM.now().timestamp() // 60)


def _minute_key(minute: int) -> str:
    return f"{connection.COPIES_COUNTED}{minute}"
