"""Pages that talk to the websocket in tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from asgiref.sync import sync_to_async
from django.conf import settings
from django.test import Client

from reliability import live
from reliability.access import Role
from reliability.live import sockets
from tests.support import actors
from tests.support.pages import Page

changed = sync_to_async(live.changed)


def cookie_of(role: Role = Role.VIEWER, *, topics: tuple[str, ...] = ("*",)) -> tuple[str, Client]:
    account = actors.account(role, topics=topics)
    client = Client()
    client.force_login(account.user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value, client


@asynccontextmanager
async def page(cookie: str = "", *, origin: str = "http://localhost") -> AsyncIterator[Page]:
    headers = [(b"origin", origin.encode()), (b"host", b"localhost")]
    if cookie:
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()))
    socket = Page(sockets.application, "/live/", headers=headers)
    try:
        yield socket
    finally:
        await socket.leave()


async def subscribed(socket: Page, *topics: str) -> dict[str, str]:
    assert await socket.connect()
    assert (await socket.told("hello"))["versions"] == {}
    await socket.send({"subscribe": list(topics)})
    versions: dict[str, str] = (await socket.told("hello"))["versions"]
    return versions


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(scenario())  # type: ignore[arg-type]  # the scenarios are coroutine functions
