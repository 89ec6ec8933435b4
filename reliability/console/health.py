"""Whether the process can work: the database and its tables are needed, Redis and Kafka are only reported."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Literal

import redis
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from django.db.migrations.executor import MigrationExecutor

from reliability.console import outage
from reliability.kafka import clusters
from reliability.kafka.ports import Unavailable
from reliability.kernel import clock
from reliability.kernel.command_line import spelled
from reliability.live import connection as live_redis

State = Literal["ok", "down", "behind", "unknown"]
ANSWER_WITHIN_S = 1.0
FRESH_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing the process stands on."""

    name: str
    state: State
    needed: bool
    detail: str = ""
    since: datetime | None = None
    """When this process first saw it like that; only of Redis and Kafka."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Ready when everything needed is ok; degraded when something else is not."""

    parts: tuple[Part, ...]

    @property
    def ready(self) -> bool:
        """Whether requests should be sent here."""
        return all(part.state == "ok" for part in self.parts if part.needed)

    @property
    def word(self) -> Literal["ready", "degraded", "not ready"]:
        """The whole in one word."""
        if not self.ready:
            return "not ready"
        return "ready" if all(part.state == "ok" for part in self.parts) else "degraded"


@dataclass(slots=True)
class Question:
    """Asks something slow beside the request: one asking at a time, its answer is good for ``FRESH_S``.

    A caller waits at most ``ANSWER_WITHIN_S``; then the last answer counts if it is not older than a few askings.
    """

    ask: Callable[[], tuple[State, str]]
    time: clock.Clock = clock.SYSTEM
    _asked: Future[tuple[State, str]] | None = None
    _asked_s: float = 0.0
    _state: State = "unknown"
    _since: datetime | None = None
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="health"))

    def part(self, name: str) -> Part:
        """The newest answer to be had in time, and since when it is so."""
        state, detail = self._answer()
        if state != self._state:
            self._state, self._since = state, self.time.now()
        return Part(name=name, state=state, detail=detail, needed=False, since=self._since)

    def _answer(self) -> tuple[State, str]:
        now_s = self.time.monotonic()
        if self._asked is None or (self._asked.done() and now_s - self._asked_s > FRESH_S):
            self._asked, self._asked_s = self._pool.submit(self.ask), now_s
        try:
            return self._asked.result(timeout=ANSWER_WITHIN_S)
        except NotYet:
            return "down", f"no answer within {now_s - self._asked_s + ANSWER_WITHIN_S:.0f} s"


def ready() -> Readiness:
    """Look at everything; takes about two seconds at most."""
    database = _database()
    asked = database.state == "ok" and (bool(_applied) or not database.detail)  # with a detail there is no connection
    migrations = _migrations() if asked else Part(name="migrations", state="unknown", needed=True)
    return Readiness(parts=(database, migrations, *dependencies()))


def dependencies() -> tuple[Part, ...]:
    """Redis and Kafka: without them pages degrade and say so, but they are served."""
    return (_redis_question().part("redis"), _kafka_question().part("kafka"))


def _database() -> Part:
    if outage.WATCH.down_since is not None:
        return Part(name="database", state="down", needed=True, detail=outage.WATCH.reason)
    try:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute("select 1")
    except (DatabaseError, InterfaceError) as error:
        if outage.no_connection(error) and not outage.WATCH.saw_outage(error):
            detail = "answers; the console's own connections are all in use"
            return Part(name="database", state="ok", needed=True, detail=detail)
        return Part(name="database", state="down", needed=True, detail=str(error))
    return Part(name="database", state="ok", needed=True)


def _migrations() -> Part:
    missing = unapplied_migrations()
    if missing:
        detail = f"{len(missing)} to apply: {spelled('migrate')}"
        return Part(name="migrations", state="behind", needed=True, detail=detail)
    return Part(name="migrations", state="ok", needed=True)


_applied: list[bool] = []  # once everything is applied it stays so for this code


def unapplied_migrations() -> list[str]:
    """Migrations that this code has and the database has not."""
    if _applied:
        return []
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        _applied.append(True)
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def ask_redis() -> tuple[State, str]:
    """Ping it."""
    try:
        live_redis.client().ping()
    except (redis.RedisError, OSError) as error:
        return "down", str(error)
    return "ok", ""


def ask_kafka() -> tuple[State, str]:
    """Ask the main cluster for its topics."""
    try:
        topics = clusters.admin(answer_s=5.0).topics()
    except Unavailable as error:
        return "down", str(error)
    return "ok", f"{len(topics)} topics"


@lru_cache(maxsize=1)
def _redis_question() -> Question:
    return Question(ask_redis)


@lru_cache(maxsize=1)
def _kafka_question() -> Question:
    return Question(ask_kafka)
