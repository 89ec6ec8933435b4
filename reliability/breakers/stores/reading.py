"""What the console reads of the fleet's store: who lives, what was declared, the log of generations, the traffic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import redis

from reliability.breakers import connection
from reliability.breakers.domain import packing
from reliability.breakers.domain.looks import Part
from reliability.breakers.domain.machine import Breaker
from reliability.breakers.domain.rules import Rules, WrongRules
from reliability.breakers.stores.port import Unreachable
from reliability.breakers.stores.shared import TRAFFIC_PART_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A new generation in the log. ``at`` is on the fleet's clock, in seconds; ``before`` None: nothing was kept."""

    id: str
    name: str
    at: float
    before: Breaker | None
    after: Breaker
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What a process says of itself. ``at``: when it did last; ``generations`` that it goes by, by breaker; ``apart``:
    the breakers that it decides by itself, and why (``Decider``).
    """

    id: str
    host: str
    pid: int
    service: str
    at: float
    generations: Mapping[str, int]
    apart: Mapping[str, str]


def log_after(entry: str, limit: int) -> list[Entry]:
    """Return the entries behind one, oldest first. What is unreadable is left out. Raises ``Unreachable``."""
    with _asking() as client:
        lines: Any = client.xrange(connection.LOG, min=f"({entry}", count=limit)
    return [found for line in lines if (found := _entry(*line)) is not None]


def last_entry() -> str:
    """Return the id of the newest entry that the log ever had, "0-0" when it had none; raises ``Unreachable``."""
    with _asking() as client:
        if not client.exists(connection.LOG):
            return "0-0"
        info: Any = client.xinfo_stream(connection.LOG)
    return str(info["last-generated-id"])


def traffic(names: Sequence[str], starts: Sequence[int]) -> Mapping[str, list[Part]]:
    """Return the parts of each breaker's traffic that begin at these instants; raises ``Unreachable``."""
    wanted = [(name, start - start % TRAFFIC_PART_S) for name in names for start in starts]
    with _asking() as client:
        pipeline = client.pipeline(transaction=False)
        for name, start in wanted:
            pipeline.hgetall(f"{connection.traffic(name)}{start}")
        answers = pipeline.execute()
    found: dict[str, list[Part]] = {name: [] for name in names}
    for (name, start), fields in zip(wanted, answers, strict=True):
        if fields:
            found[name].append(_part(start, fields))
    return found


def processes() -> list[Process]:
    """Return the processes that have said within half a minute that they live; raises ``Unreachable``."""
    with _asking() as client:
        pipeline = client.pipeline(transaction=False)
        pipeline.hgetall(connection.PROCESSES)
        pipeline.zrange(connection.PROCESSES_AT, 0, -1, withscores=True)
        said, times = pipeline.execute()
    return [found for name, at in times if (found := _process(name, at, said.get(name, ""))) is not None]


def declared() -> Mapping[str, Rules]:
    """Return the rules that code has declared, by breaker; raises ``Unreachable``."""
    with _asking() as client:
        texts: Any = client.hgetall(connection.DECLARED)
    found = {}
    for name, text in texts.items():
        try:
            found[name] = Rules().with_changes(orjson.loads(text))
        except (ValueError, WrongRules, AttributeError):  # of another version, or not ours
            found[name] = Rules()
    return found


@contextmanager
def _asking() -> Iterator[redis.Redis]:
    try:
        yield connection.client()
    except (redis.RedisError, OSError) as error:
        raise Unreachable(str(error)) from error


def _entry(entry: str, fields: Mapping[str, str]) -> Entry | None:
    try:
        before = packing.unpacked(fields["before"]) if fields["before"] else None
        after, at = packing.unpacked(fields["after"]), float(fields["at"])
        return Entry(id=entry, name=fields["name"], at=at, before=before, after=after, text=fields["after"])
    except (KeyError, ValueError):
        return None


def _part(start: int, fields: Mapping[str, str]) -> Part:
    took = {int(name[1:]): int(count) for name, count in fields.items() if name[:1] == "t" and name[1:].isdigit()}
    calls, failed, slow, rejected = (int(fields.get(name, 0)) for name in ("calls", "failed", "slow", "rejected"))
    return Part(at=start, calls=calls, failed=failed, slow=slow, rejected=rejected, took=took)


def _process(name: str, at: float, said: str) -> Process | None:
    try:
        fields = orjson.loads(said)
        return Process(
            id=name,
            host=str(fields["host"]),
            pid=int(fields["pid"]),
            service=str(fields.get("service", "")),
            at=at,
            generations={str(breaker): int(gen) for breaker, gen in fields["gens"].items()},
            apart={str(breaker): str(decider) for breaker, decider in fields.get("apart", {}).items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
