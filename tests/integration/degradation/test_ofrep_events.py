"""OFREP's stream: tells of changes once, goes on where it was, and is for whoever may."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import connection, connections
from django.test import AsyncClient, Client

from reliability.access import operations
from reliability.degradation.models import Flag, Word
from reliability.degradation.ofrep import events
from reliability.degradation.operations import standing
from reliability.kernel.clock import SYSTEM
from tests.integration.degradation.test_levels import setting
from tests.integration.degradation.test_ofrep import EVERY, Ofrep, agent, ask, heard

__all__ = ["agent", "ask"]
pytestmark = pytest.mark.django_db(transaction=True)


def degrade(flag: Flag) -> None:
    setting(flag, 2)
    connections.close_all()


class Stream:
    """A stream of events, read by lines with something in them."""

    def __init__(self, answer: Any) -> None:
        self.parts = aiter(answer.streaming_content)

    async def next(self) -> str:
        async with asyncio.timeout(5):
            while True:
                text = (await anext(self.parts)).decode()
                if not text.startswith(":"):
                    return text


def test_a_stream_tells_of_changes_once_and_goes_on_where_it_was(ask: Ofrep, flag: Flag) -> None:
    bulk = ask(EVERY)
    (offered,) = bulk.json()["eventStreams"]
    assert offered.keys() == {"type", "endpoint", "inactivityDelaySec"}
    uri, tag = offered["endpoint"]["requestUri"], bulk["ETag"].strip('"')

    async def scenario() -> tuple[str, str, int]:
        client = AsyncClient()
        answer = await client.get(uri)
        assert answer["Content-Type"] == "text/event-stream"
        stream = Stream(answer)
        await asyncio.to_thread(degrade, flag)
        first = await stream.next()
        late = await client.get(uri, headers={"Last-Event-ID": tag})
        again = await Stream(late).next()
        opened = len(events._open)
        for each in (answer, late):
            await each.streaming_content.aclose()
        await sync_to_async(connections.close_all)()
        return first, again, opened

    first, again, opened = asyncio.run(scenario())
    assert (first, opened, len(events._open)) == (again, 2, 0)
    lines = dict(line.split(": ", 1) for line in first.strip().splitlines())
    assert lines["event"] == "message"
    assert json.loads(lines["data"]) == {"type": "refetchEvaluation", "etag": ask(EVERY)["ETag"]}
    assert lines["id"] == ask(EVERY)["ETag"].strip('"')


def test_a_stream_is_for_whoever_has_a_ticket_or_a_token(ask: Ofrep) -> None:
    from reliability.access.models import ApiToken

    uri = ask(EVERY).json()["eventStreams"][0]["endpoint"]["requestUri"]
    for wrong in ("/ofrep/v1/events", "/ofrep/v1/events?ticket=x", uri.replace("ticket=", "ticket=x")):
        assert Client().get(wrong).status_code == 401
    operations.revoke_token(token_id=ApiToken.objects.get().pk, now=SYSTEM.now())
    assert Client().get(uri).status_code == 401


def test_a_stream_tells_of_what_time_alone_changes(ask: Ofrep, flag: Flag) -> None:
    setting(flag, 2)
    Word.objects.update(until=SYSTEM.now() + timedelta(seconds=1.5))
    standing.push(anyway=True)
    uri = ask(EVERY).json()["eventStreams"][0]["endpoint"]["requestUri"]
    heard(2)
    before = ask(EVERY)["ETag"]

    async def scenario() -> str:
        answer = await AsyncClient().get(uri, headers={"Last-Event-ID": before.strip('"')})
        text = await Stream(answer).next()
        await answer.streaming_content.aclose()
        await sync_to_async(connections.close_all)()
        return text

    told = asyncio.run(scenario())
    assert json.loads(told.split("data: ")[1])["etag"] == ask(EVERY)["ETag"] != before
    assert ask(EVERY).json()["flags"][1]["value"] == 0


def test_streams_are_bounded(ask: Ofrep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "STREAMS_MAX", 0)
    answer = ask.client.get("/ofrep/v1/events", headers=ask.headers)
    assert (answer.status_code, answer["Retry-After"]) == (429, "10")


def test_a_stream_that_lives_long_keeps_no_connection_to_the_database(
    ask: Ofrep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "CHECK_EVERY_S", 0.1)
    checked: list[int] = []
    really = events._may
    monkeypatch.setattr(events, "_may", lambda token: checked.append(token) or really(token))
    uri = ask(EVERY).json()["eventStreams"][0]["endpoint"]["requestUri"]
    connection.close()
    pool = connection.pool
    assert pool is not None

    async def reads(stream: Any) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                async for _ in stream.streaming_content:
                    pass
        await stream.streaming_content.aclose()

    async def one() -> None:
        async with ThreadSensitiveContext():  # as each request has one
            await reads(await AsyncClient().get(uri))

    async def scenario() -> int:
        streams = [asyncio.create_task(one()) for _ in range(pool.max_size + 2)]
        least = pool.max_size
        while not all(stream.done() for stream in streams):
            await asyncio.sleep(0.02)
            if len(checked) > len(streams) and not any(stream.done() for stream in streams):
                stats = pool.get_stats()  # between two checks; a stream that keeps what it has is never without
                least = min(least, int(stats["pool_size"]) - int(stats["pool_available"]))
        await asyncio.gather(*streams)
        return least

    held = asyncio.run(scenario())
    assert len(checked) > pool.max_size + 2
    assert held < pool.max_size / 2
