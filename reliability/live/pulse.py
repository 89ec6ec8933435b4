"""What a web process does while pages are open: follow the hints, ping sockets, look whether sessions still stand.

No socket talks to Redis: one reader per process asks it four times a second and hands out what changed, so a dead or
paused Redis can hang no page. The loops start with the first socket and end with the last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Protocol
from weakref import WeakKeyDictionary

import structlog
from channels.db import database_sync_to_async
from django.db import DatabaseError, InterfaceError

from reliability import access
from reliability.kernel import clock
from reliability.kernel.telemetry import metrics, names
from reliability.live import connection, queries
from reliability.live.changes import Changes, NoHints
from reliability.live.domain import versions as rules
from reliability.live.domain.versions import Change
from reliability.live.queries import SessionRef

log = structlog.get_logger(__name__)

HINTS_EVERY_S = 0.25
PING_EVERY_S = 2.0
RECHECK_EVERY_S = 2.0  # a socket is closed within 5 s of its session's end
UNCHECKED_AT_MOST_S = 60.0  # without a database nobody can say who is signed in; sockets close then
SESSION_ENDED = 4401
TRY_AGAIN_LATER = 1013


class Member(Protocol):
    """An open socket. None of these calls waits."""

    ref: SessionRef
    topics: frozenset[str]

    def tell(self, change: Change) -> None:
        """A topic has a new version."""

    def ping(self, number: int, *, hints: bool) -> None:
        """The server lives; ``hints`` says whether changes are heard of."""

    def stands_for(self, actor: access.Actor) -> None:
        """Who is behind the session now; the role may have changed."""

    def end(self, code: int) -> None:
        """Close."""


class Pulse:
    """The open sockets of one event loop, and the loops that serve them."""

    def __init__(self, *, time: clock.Clock = clock.SYSTEM) -> None:
        self.members: set[Member] = set()
        self.hints = True
        self._changes: Changes | None = None
        self._time = time
        self._settled = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def enter(self, member: Member) -> None:
        """Serve a socket."""
        self.members.add(member)
        metrics.set(names.SOCKETS, len(self.members))
        if not self._tasks:
            self._changes = Changes(connection.async_client())
            self._settled.clear()  # the place in the stream is to be found anew
            loops = (partial(self._follow, self._changes), self._ping, self._recheck)
            self._tasks = [asyncio.create_task(_kept_running(loop)) for loop in loops]

    def leave(self, member: Member) -> None:
        """Forget a socket; with the last one the loops end."""
        self.members.discard(member)
        metrics.set(names.SOCKETS, len(self.members))
        if not self.members:
            for task in self._tasks:
                task.cancel()
            self._tasks = []

    async def versions(self, topics: frozenset[str]) -> dict[str, str]:
        """The versions of topics, once the place in the stream is known: nothing falls between them and later hints."""
        await self._settled.wait()
        if self._changes is not None:
            with suppress(NoHints):
                return await self._changes.versions(topics)
        return dict.fromkeys(topics, self._poll_version())

    async def _follow(self, changes: Changes) -> None:
        """Four times a second: tell what changed."""
        polled = ""
        try:
            while True:
                try:
                    for change in await changes.read(self._shown()):
                        self._tell(change)
                    self._hints_are(True)
                except NoHints as error:
                    self._hints_are(False, why=str(error))
                    if polled != self._poll_version():
                        polled = self._poll_version()
                        for topic in self._shown():
                            self._tell(Change(topic=topic, version=polled))
                self._settled.set()
                await asyncio.sleep(HINTS_EVERY_S)
        finally:
            await changes.client.aclose()

    async def _ping(self) -> None:
        number = 0
        while True:
            await asyncio.sleep(PING_EVERY_S)
            number += 1
            for member in tuple(self.members):
                member.ping(number, hints=self.hints)

    async def _recheck(self) -> None:
        """Close the sockets of ended sessions; keep them for a while when the database cannot be asked."""
        checked_s = self._time.monotonic()
        while True:
            await asyncio.sleep(RECHECK_EVERY_S)
            members = tuple(self.members)
            try:
                actors = await database_sync_to_async(queries.actors_of)(
                    {member.ref for member in members}, now=self._time.now()
                )
            except (DatabaseError, InterfaceError) as error:
                silent_s = self._time.monotonic() - checked_s
                log.warning("sessions_not_checked", sockets=len(members), since_s=round(silent_s), error=str(error))
                if silent_s > UNCHECKED_AT_MOST_S:
                    for member in members:
                        member.end(TRY_AGAIN_LATER)
                continue
            checked_s = self._time.monotonic()
            for member in members:
                actor = actors.get(member.ref)
                if actor is None:
                    member.end(SESSION_ENDED)
                else:
                    member.stands_for(actor)

    def _tell(self, change: Change) -> None:
        for member in tuple(self.members):
            if change.topic in member.topics:
                member.tell(change)

    def _shown(self) -> frozenset[str]:
        return frozenset().union(*(member.topics for member in self.members))

    def _poll_version(self) -> str:
        return rules.without_hints(self._time.monotonic(), every_s=queries.POLL_EVERY_S)

    def _hints_are(self, there: bool, *, why: str = "") -> None:
        if self.hints and not there:
            log.warning("live_hints_missing", why=why, meaning="pages ask for themselves until Redis answers")
        elif there and not self.hints:
            log.info("live_hints_back")
        self.hints = there


async def _kept_running(loop: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await loop()
        except Exception:  # the loop's edge: pages must not stay without pings
            log.exception("pulse_failed")
        await asyncio.sleep(1)


_BY_LOOP: WeakKeyDictionary[asyncio.AbstractEventLoop, Pulse] = WeakKeyDictionary()


def of_this_loop() -> Pulse:
    """The pulse of the running event loop; a web process has one."""
    loop = asyncio.get_running_loop()
    if loop not in _BY_LOOP:
        _BY_LOOP[loop] = Pulse()
    return _BY_LOOP[loop]
