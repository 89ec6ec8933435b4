"""The one websocket: it tells a page which of its topics changed. It carries no data and takes no acts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import orjson
import structlog
from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.db import DatabaseError, InterfaceError
from django.urls import path, re_path

from reliability import access
from reliability.kernel import clock
from reliability.live import pulse, queries
from reliability.live.domain.topics import MOST_TOPICS, id_in
from reliability.live.domain.versions import Change
from reliability.live.pulse import SESSION_ENDED, TRY_AGAIN_LATER
from reliability.live.queries import SessionRef

log = structlog.get_logger(__name__)

FLUSH_EVERY_S = 0.25
LONGEST_MESSAGE = 4_096  # characters; a list of topics is far shorter
MOST_MESSAGES = 30  # from a client between two pings; a page sends one or two
BAD_MESSAGE = 4400

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class LiveSocket(AsyncWebsocketConsumer):
    """One page. What waits to be sent is a dictionary, newest per topic: a slow page costs no memory and hears less."""

    channel_layer_alias = ""  # none: hints come from this process's pulse

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.topics: frozenset[str] = frozenset()
        self.actor = access.ANONYMOUS
        self._waiting: dict[str, dict[str, Any]] = {}
        self._wake = asyncio.Event()
        self._end_code: int | None = None
        self._taken = 0
        self._sender: asyncio.Task[None] | None = None
        self._pulse: pulse.Pulse | None = None

    async def connect(self) -> None:
        """Let in whoever has a good session; others are told with a code that a browser can read."""
        user, session = cast(Any, self.scope["user"]), self.scope["session"]
        self.ref = SessionRef(session_key=session.session_key or "", user_id=user.pk or 0)
        actors = await database_sync_to_async(queries.actors_of)({self.ref}, now=clock.SYSTEM.now())
        await self.accept()
        if self.ref not in actors:
            await self.close(SESSION_ENDED)
            return
        self.actor = actors[self.ref]
        self._pulse = pulse.of_this_loop()
        self._pulse.enter(self)
        self._sender = asyncio.create_task(self._send_what_waits())
        self._hello({})

    async def disconnect(self, code: int) -> None:
        """Leave nothing behind."""
        if self._pulse is not None:
            self._pulse.leave(self)
        if self._sender is not None and self._sender is not asyncio.current_task():
            self._sender.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take ``{"subscribe": [topics]}``, which replaces what was followed, or ``{"pong": n}``; nothing else."""
        self._taken += 1
        message = _parsed(text_data)
        if message is None or self._taken > MOST_MESSAGES:
            self.end(BAD_MESSAGE)
        elif "subscribe" in message:
            await self._subscribe(message["subscribe"])

    async def _subscribe(self, wanted: list[str]) -> None:
        try:
            allowed = await database_sync_to_async(queries.followed)(self.actor, wanted)
        except (DatabaseError, InterfaceError) as error:
            log.warning("socket_ended", why="the database does not answer", error=str(error))
            self.end(TRY_AGAIN_LATER)
            return
        refused = [topic for topic in wanted if topic not in allowed]
        if refused:
            self._put("refused", {"topics": refused})
        self.topics = allowed
        if self._pulse is not None:
            self._hello(await self._pulse.versions(allowed))

    def tell(self, change: Change) -> None:
        """Keep the newest change of each topic; numbers are left out for actors who may not see every topic."""
        said: dict[str, Any] = {"topic": change.topic, "version": change.version}
        if self.actor.scopes.is_everything:
            said |= {"worst": change.worst, "samples": change.samples}
        self._put("changed", said, key=f"changed {change.topic}")

    def ping(self, number: int, *, hints: bool) -> None:
        """Say that the server lives."""
        self._taken = 0
        self._waiting["ping"] = {"ping": number, "hints": hints}
        self._wake.set()

    def stands_for(self, actor: access.Actor) -> None:
        """Drop what the actor may no longer follow. With other scopes that is every single row: the page asks anew."""
        same = actor.scopes == self.actor.scopes
        self.actor = actor
        self.topics = frozenset(
            topic for topic in self.topics if queries.has_role_for(actor, topic) and (same or id_in(topic) is None)
        )

    def end(self, code: int) -> None:
        """Close as soon as the sender gets to it."""
        self._end_code = code
        self._wake.set()

    def _hello(self, versions: dict[str, str]) -> None:
        self._put("hello", {"now": clock.SYSTEM.now().isoformat(), "versions": versions})

    def _put(self, word: str, value: dict[str, Any], *, key: str = "") -> None:
        self._waiting[key or word] = {word: value}
        self._wake.set()

    async def _send_what_waits(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._end_code is not None:
                await self.close(self._end_code)
                return
            waiting, self._waiting = self._waiting, {}
            for frame in waiting.values():
                await self.send(text_data=orjson.dumps(frame).decode())
            await asyncio.sleep(FLUSH_EVERY_S)


def _parsed(text: str | None) -> dict[str, Any] | None:
    """A message a page may send, else None."""
    if text is None or len(text) > LONGEST_MESSAGE:
        return None
    try:
        message: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    match message:
        case {"pong": int(), **rest} if not rest:
            return message
        case {"subscribe": list(topics), **rest} if not rest and len(topics) <= MOST_TOPICS:
            return message if all(isinstance(topic, str) for topic in topics) else None
    return None


class _DatabaseDown:
    """Without a database nobody can be let in: close with "try again later" and no stack trace."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._inner(scope, receive, send)
        except (DatabaseError, InterfaceError) as error:
            log.warning("socket_refused", why="the database does not answer", error=str(error))
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})


async def _nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """Any other address: closed before it is open, without a stack trace in the log."""
    await send({"type": "websocket.close", "code": 4404})


urlpatterns: Any = [
    path("live/", LiveSocket.as_asgi()),  # type: ignore[arg-type]  # an ASGI application, as Channels has it
    re_path("", _nothing_here),  # type: ignore[arg-type]  # the same
]
# Only pages of our own hosts may open it; who is signed in comes from the session cookie.
application = AllowedHostsOriginValidator(_DatabaseDown(AuthMiddlewareStack(URLRouter(urlpatterns))))
