"""Asks Redis what changed since the last question; two round trips at most, with a limit on time."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from uuid import uuid4

import orjson
import redis
import redis.asyncio

from reliability.live import connection
from reliability.live.domain import versions as rules
from reliability.live.domain.versions import Change

ANSWER_WITHIN_S = 1.0
MOST_CHANGES = 500  # in one reading; more are read next time


class NoHints(Exception):
    """Redis did not answer."""


@dataclass(slots=True)
class Changes:
    """A place in the stream of changes. The first reading only finds the place."""

    client: redis.asyncio.Redis
    epoch: str | None = None
    number: int = 0

    async def read(self, shown: Collection[str]) -> list[Change]:
        """What changed since the last reading, oldest first; every topic of ``shown`` when Redis lost its counters.

        Raises ``NoHints``; the place is kept then, so that nothing is missed when Redis answers again.
        """
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await self._read(shown)
        except (redis.RedisError, OSError, TimeoutError) as error:
            raise NoHints(str(error) or type(error).__name__) from error

    async def versions(self, topics: Collection[str]) -> dict[str, str]:
        """The versions of topics now; raises ``NoHints``."""
        asked = list(topics)
        if not asked:
            return {}
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                epoch, numbers = await self._numbers_of(asked)
        except (redis.RedisError, OSError, TimeoutError) as error:
            raise NoHints(str(error) or type(error).__name__) from error
        return {topic: rules.version(epoch, number) for topic, number in zip(asked, numbers, strict=True)}

    async def _read(self, shown: Collection[str]) -> list[Change]:
        pipe = self.client.pipeline(transaction=True)
        pipe.set(connection.EPOCH_KEY, uuid4().hex[:8], nx=True)  # another one than before, if it was lost
        pipe.get(connection.EPOCH_KEY)
        pipe.get(connection.COUNTER_KEY)
        span = (f"({self.number}", "+inf")
        pipe.zrangebyscore(connection.VERSIONS_KEY, *span, start=0, num=MOST_CHANGES, withscores=True)
        _, epoch, counter, found = await pipe.execute()
        named, before = str(epoch), self.epoch
        if before == named:
            return await self._changes(named, [(topic, int(number)) for topic, number in found])
        self.epoch, self.number = named, int(counter or 0)
        if before is None:
            return []
        _, numbers = await self._numbers_of(list(shown)) if shown else (named, [])
        return [Change(topic=topic, version=rules.version(named, n)) for topic, n in zip(shown, numbers, strict=True)]

    async def _changes(self, epoch: str, found: list[tuple[str, int]]) -> list[Change]:
        if not found:
            return []
        notes = await self.client.mget([connection.NOTE_PREFIX + topic for topic, _ in found])
        self.number = found[-1][1]
        return [_change(epoch, topic, number, note) for (topic, number), note in zip(found, notes, strict=True)]

    async def _numbers_of(self, topics: list[str]) -> tuple[str, list[int]]:
        pipe = self.client.pipeline(transaction=False)
        pipe.get(connection.EPOCH_KEY)
        pipe.zmscore(connection.VERSIONS_KEY, topics)
        epoch, numbers = await pipe.execute()
        return epoch or rules.NO_EPOCH, [int(number or 0) for number in numbers]


def _change(epoch: str, topic: str, number: int, note: str | bytes | None) -> Change:
    said = orjson.loads(note) if note else {}
    return Change(
        topic=topic, version=rules.version(epoch, number), worst=said.get("worst"), samples=said.get("samples")
    )
