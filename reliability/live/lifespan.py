"""The web process's own start and end: what runs beside requests, and the last things sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import structlog
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async

from reliability.kernel.telemetry import tracing
from reliability.live.domain.processes import STOPPED
from reliability.live.operations import BEAT_EVERY_S, DatabaseHeartbeat

log = structlog.get_logger(__name__)

Background = Callable[[], Awaitable[None]]
Application = Any  # an ASGI application; the typed ones of Channels and of uvicorn do not agree on its messages


def with_lifespan(
    application: Application, *, background: Sequence[Background] = (), why_not: Callable[[], str] = str
) -> Application:
    """Answer the server's lifespan events, which Channels does not know; run ``background`` loops between them.

    The process's heartbeat always runs. A loop that ends with an error is logged and started again after a while.
    ``why_not`` is asked first: when it has a sentence the server is told so, and ends.
    """

    async def entry(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        await receive()
        if refusal := await sync_to_async(why_not)():
            log.error("start_refused", why=refusal)
            await send({"type": "lifespan.startup.failed", "message": refusal})
            return
        tasks = [asyncio.create_task(_kept_running(loop)) for loop in (beat_as_web, *background)]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        tracing.shut_down()
        await send({"type": "lifespan.shutdown.complete"})

    return entry


async def beat_as_web() -> None:
    """Write the heartbeat of ``web`` every few seconds, and at the end that it stopped."""
    heartbeat = DatabaseHeartbeat()
    beat = database_sync_to_async(heartbeat.beat, thread_sensitive=False)  # no thread keeps a connection
    try:
        while True:
            await beat("web", state="running", facts={})
            await asyncio.sleep(BEAT_EVERY_S)
    except asyncio.CancelledError:
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                await beat("web", state=STOPPED, facts={})
        raise


async def _kept_running(loop: Background) -> None:
    while True:
        try:
            await loop()
        except Exception:  # the loop's edge: requests are served meanwhile
            log.exception("background_loop_failed", loop=getattr(loop, "__name__", repr(loop)))
        await asyncio.sleep(BEAT_EVERY_S)
