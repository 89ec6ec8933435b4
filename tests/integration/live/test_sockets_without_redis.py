"""The websocket while Redis is away, hangs, or has lost what it knew."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis.exceptions
from asgiref.sync import sync_to_async

from reliability.live import connection, pulse
from tests.integration.live.talking import changed, cookie_of, page, run, subscribed
from tests.support.network import refusing_port, silent_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clean_redis", "in_a_hurry")]


def test_a_redis_that_lost_its_counters_makes_every_topic_ask_again() -> None:
    cookie, _ = cookie_of()

    async def scenario() -> None:
        async with page(cookie) as socket:
            versions = await subscribed(socket, "letters", "outbox")
            await changed("activity")
            await asyncio.sleep(0.6)
            client = connection.client()
            await sync_to_async(client.delete)(connection.EPOCH_KEY, connection.COUNTER_KEY, connection.VERSIONS_KEY)
            heard = [await socket.told("changed"), await socket.told("changed")]
            assert {each["topic"] for each in heard} == {"letters", "outbox"}
            assert all(each["version"] != versions[each["topic"]] for each in heard)

    run(scenario)


@pytest.mark.parametrize("how", ["refuses", "hangs"])
def test_without_redis_pages_get_in_are_pinged_and_ask_for_themselves(how: str, settings: Any) -> None:
    cookie, _ = cookie_of()

    async def scenario() -> None:
        async with page(cookie) as socket:
            versions = await subscribed(socket, "letters")
            assert versions["letters"].startswith("poll:")
            assert (await socket.told("ping"))["hints"] is False
            heard = await socket.told("changed", within_s=8)
            assert heard["version"].startswith("poll:")

    with silent_port() as hanging:
        port = refusing_port() if how == "refuses" else hanging
        settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
        run(scenario)


def test_when_redis_comes_back_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    cookie, _ = cookie_of()
    down = False
    ask = pulse.Changes._read

    async def sometimes(self: pulse.Changes, shown: Any) -> Any:
        if down:
            raise redis.exceptions.ConnectionError("away")
        return await ask(self, shown)

    monkeypatch.setattr(pulse.Changes, "_read", sometimes)

    async def scenario() -> None:
        nonlocal down
        async with page(cookie) as socket:
            await subscribed(socket, "letters", "outbox")
            down = True
            await asyncio.sleep(0.5)
            await changed("outbox")
            down = False
            while True:
                heard = await socket.told("changed")
                if heard["topic"] == "outbox" and not heard["version"].startswith("poll:"):
                    break

    run(scenario)
