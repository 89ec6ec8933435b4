"""Breakers that a fleet keeps in Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha1
from typing import Any, Final

import redis
from redis.exceptions import NoScriptError

from reliability.breakers import connection
from reliability.breakers.domain import evidence, packing
from reliability.breakers.domain.evidence import HostCounts
from reliability.breakers.domain.machine import Breaker
from reliability.breakers.stores import scripts
from reliability.breakers.stores.port import Kept, Pooled, Told, Unreachable

TRAFFIC_PART_S: Final = 10
TRAFFIC_KEPT_S: Final = 900
LOG_KEPT: Final = 10_000
PROCESS_KEPT_S: Final = 30


class RedisStore:
    """A ``Store`` in Redis: the rules are applied by the caller, a change lands only where nobody was faster."""

    def __init__(self, client: redis.Redis | None = None, *, ahead_s: float = 0.0) -> None:
        """``ahead_s`` is added to Redis's clock; tests move it, nothing else."""
        self._client, self.ahead_s = client, ahead_s

    def read(self, names: Sequence[str]) -> Mapping[str, Kept]:
        """Return the breakers of these names."""
        keys = [connection.CLOCK, *map(connection.state, names)]
        ((now, *texts),) = self._run(scripts.READ, [(keys, [self.ahead_s])])
        return {name: _kept(text, float(now)) for name, text in zip(names, texts, strict=True)}

    def swap(self, name: str, kept: Kept, after: Breaker) -> Kept | None:
        """Keep ``after`` instead of ``kept``; None when something else is kept by now."""
        text = packing.packed(after)
        is_new = kept.breaker is None or kept.breaker.gen != after.gen
        keys = [connection.CLOCK, connection.state(name), connection.REVISION, connection.LOG]
        arguments = [self.ahead_s, kept.text, text, name, int(is_new), LOG_KEPT]
        ((now, done),) = self._run(scripts.SWAP, [(keys, arguments)])
        return Kept(breaker=after, text=text, now=float(now)) if done else None

    def tell(self, host: str, told: Sequence[Told]) -> Mapping[str, Pooled]:
        """Add what a process of ``host`` counted; return what each of these breakers has come to."""
        if not told:
            return {}
        calls = [(_keys(each.name), self._arguments(host, each)) for each in told]
        answers = self._run(scripts.TELL, calls)
        return {each.name: _pooled(answer) for each, answer in zip(told, answers, strict=True)}

    def changes(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return what persons have changed of these breakers' rules."""
        if not names:
            return {}
        try:
            texts: Any = self._redis().hmget(connection.CHANGES, list(names))
        except redis.RedisError as error:
            raise Unreachable(str(error)) from error
        return {name: text or "" for name, text in zip(names, texts, strict=True)}

    def say_changes(self, name: str, changes: str) -> None:
        """Tell all of what a person has changed of a breaker's rules."""
        self._run(scripts.CHANGE, [([connection.REVISION, connection.CHANGES], [name, changes])])

    def beat(self, process: str, said: str, declared: Mapping[str, str], named: Mapping[str, str] | None = None) -> int:
        """Say that a process lives and what it goes by; return a number that grows with each new generation."""
        keys = [
            connection.CLOCK,
            connection.REVISION,
            connection.PROCESSES,
            connection.PROCESSES_AT,
            connection.DECLARED,
        ]
        named = named or {}
        pairs = [part for pair in (*named.items(), *declared.items()) for part in pair]
        arguments = [self.ahead_s, process, said, PROCESS_KEPT_S, len(named), *pairs]
        (revision,) = self._run(scripts.BEAT, [(keys, arguments)])
        return int(revision)

    def declared(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return the rules that code has declared, as text."""
        try:
            texts: Any = self._redis().hmget(connection.DECLARED, list(names))
        except redis.RedisError as error:
            raise Unreachable(str(error)) from error
        return {name: text for name, text in zip(names, texts, strict=True) if text is not None}

    def _arguments(self, host: str, told: Told) -> list[Any]:
        counts = told.counts
        return [
            self.ahead_s,
            told.gen,
            told.window_s,
            evidence.slice_s(told.window_s),
            host,
            counts.calls,
            counts.failed,
            counts.slow,
            counts.row,
            counts.rejected,
            TRAFFIC_PART_S,
            TRAFFIC_KEPT_S,
            *(part for pair in counts.took.items() for part in pair),
        ]

    def _redis(self) -> redis.Redis:
        return self._client if self._client is not None else connection.client()

    def _run(self, script: str, calls: Sequence[tuple[Sequence[str], Sequence[Any]]]) -> list[Any]:
        """Run a script some times in one round trip; where Redis has forgotten it, once more with its text."""
        sha = sha1(script.encode(), usedforsecurity=False).hexdigest()
        try:
            pipeline = self._redis().pipeline(transaction=False)
            for keys, arguments in calls:
                pipeline.evalsha(sha, len(keys), *keys, *arguments)
            answers = pipeline.execute(raise_on_error=False)
            for at, (keys, arguments) in enumerate(calls):
                if isinstance(answers[at], NoScriptError):
                    answers[at] = self._redis().eval(script, len(keys), *keys, *arguments)
        except redis.RedisError as error:
            raise Unreachable(str(error)) from error
        wrong = [answer for answer in answers if isinstance(answer, redis.RedisError)]
        if wrong:
            raise Unreachable(str(wrong[0])) from wrong[0]
        return answers


def _keys(name: str) -> list[str]:
    return [connection.CLOCK, connection.state(name), connection.evidence(name), connection.traffic(name)]


def _kept(text: str, now: float) -> Kept:
    try:
        breaker = packing.unpacked(text) if text else None
    except packing.Unreadable:  # whoever changes it next puts a breaker there
        breaker = None
    return Kept(breaker=breaker, text=text, now=now)


def _pooled(answer: Sequence[Any]) -> Pooled:
    now, text, row, row_hosts, *rest = answer
    lines = [rest[at : at + 4] for at in range(0, len(rest), 4)]
    hosts = {
        str(host): HostCounts(calls=int(calls), failed=int(failed), slow=int(slow))
        for host, calls, failed, slow in lines
    }
    return Pooled(kept=_kept(str(text), float(now)), hosts=hosts, row=int(row), row_hosts=int(row_hosts))
