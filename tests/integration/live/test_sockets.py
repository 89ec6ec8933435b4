"""The one websocket: who gets in, what is told, when it closes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis.exceptions
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from reliability import live
from reliability.access import Role
from reliability.access.models import Account
from reliability.live import connection, pulse, queries, sockets
from tests.support import actors
from tests.support.network import refusing_port, silent_port
from tests.support.pages import Page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clean_redis")]

@pytest.fixture(autouse=True)
def _in_a_hurry(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything four times as often, but where the time itself is tested."""
    if "within_five_seconds" not in request.node.name:
        for module, name in ((pulse, "PING_EVERY_S"), (pulse, "RECHECK_EVERY_S"), (queries, "POLL_EVERY_S")):
            monkeypatch.setattr(module, name, getattr(module, name) / 4)


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


def test_a_page_hears_of_its_topics_and_of_no_others() -> None:
    cookie, _ = cookie_of()

    async def scenario() -> None:
        async with page(cookie) as socket:
            versions = await subscribed(socket, "letters", "replay:7")
            await changed("outbox")
            await changed("letters", worst="crit", samples={"open": 3.0})
            heard = await socket.told("changed")
            assert heard["topic"] == "letters"
            assert heard["version"] != versions["letters"]
            assert (heard["worst"], heard["samples"]) == ("crit", {"open": 3.0})
            await changed("replay:7")
            assert (await socket.told("changed"))["topic"] == "replay:7"

    run(scenario)


def test_many_changes_become_few_messages_and_the_last_one_wins() -> None:
    cookie, _ = cookie_of()

    async def scenario() -> None:
        async with page(cookie) as socket:
            await subscribed(socket, "letters")
            for number in range(200):
                await changed("letters", samples={"open": float(number)})
            heard = [await socket.told("changed")]
            while heard[-1]["samples"] != {"open": 199.0}:
                heard.append(await socket.told("changed"))
            assert len(heard) < 20

    run(scenario)


def test_it_pings_and_takes_a_pong() -> None:
    cookie, _ = cookie_of()

    async def scenario() -> None:
        async with page(cookie) as socket:
            await subscribed(socket, "letters")
            first = await socket.told("ping")
            await socket.send({"pong": first["ping"]})
            second = await socket.told("ping")
            assert second == {"ping": first["ping"] + 1, "hints": True}

    run(scenario)


def test_signing_out_closes_the_socket_within_five_seconds() -> None:
    cookie, client = cookie_of()

    async def scenario() -> None:
        async with page(cookie) as socket:
            await subscribed(socket, "letters")
            await sync_to_async(client.logout)()
            began = time.monotonic()
            assert await socket.closed() == 4401
            assert time.monotonic() - began < 5

    run(scenario)


@pytest.mark.parametrize("how", ["disabled", "password"])
def test_losing_the_account_closes_the_socket(how: str) -> None:
    cookie, _ = cookie_of()

    def lose() -> None:
        user = get_user_model().objects.get()
        if how == "disabled":
            user.is_active = False
        else:
            user.set_password("another long password")
        user.save()

    async def scenario() -> None:
        async with page(cookie) as socket:
            await subscribed(socket, "letters")
            await sync_to_async(lose)()
            assert await socket.closed() == 4401

    run(scenario)


def test_a_role_taken_away_ends_the_topics_it_gave() -> None:
    cookie, _ = cookie_of()

    async def scenario() -> None:
        async with page(cookie) as socket:
            await subscribed(socket, "letters")
            await sync_to_async(Account.objects.all().delete)()
            await asyncio.sleep(pulse.RECHECK_EVERY_S + 0.5)
            await changed("letters")
            with pytest.raises(TimeoutError):
                await socket.told("changed", within_s=1.0)

    run(scenario)


def test_who_is_not_signed_in_is_told_with_a_code() -> None:
    async def scenario() -> None:
        async with page() as socket:
            await socket.connect()
            assert await socket.closed() == 4401

    run(scenario)


def test_another_sites_page_does_not_get_in() -> None:
    cookie, _ = cookie_of()

    async def scenario() -> None:
        async with page(cookie, origin="http://elsewhere.example") as socket:
            assert not await socket.connect()

    run(scenario)


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        '{"replay": 12}',
        '{"subscribe": "letters"}',
        '{"subscribe": [1]}',
        '{"subscribe": ["letters"], "replay": 12}',
        '{"subscribe": [' + ",".join(['"letters"'] * 21) + "]}",
        '{"pong": "' + "x" * 5000 + '"}',
    ],
)
def test_a_viewer_who_sends_anything_but_a_subscription_is_closed(text: str) -> None:
    cookie, _ = cookie_of()

    async def scenario() -> None:
        async with page(cookie) as socket:
            await subscribed(socket, "letters")
            await socket.send_text(text)
            assert await socket.closed() == 4400

    run(scenario)


def test_bytes_close_it_too() -> None:
    cookie, _ = cookie_of()

    async def scenario() -> None:
        async with page(cookie) as socket:
            await subscribed(socket, "letters")
            await socket.send_bytes(b"\x00")
            assert await socket.closed() == 4400

    run(scenario)


def test_topics_that_do_not_exist_are_refused_by_name() -> None:
    cookie, _ = cookie_of()

    async def scenario() -> None:
        async with page(cookie) as socket:
            await socket.connect()
            await socket.send({"subscribe": ["letters", "secrets"]})
            assert await socket.told("refused") == {"topics": ["secrets"]}

    run(scenario)


def test_an_account_with_limited_scopes_gets_the_hint_but_no_numbers() -> None:
    cookie, _ = cookie_of(topics=("orders.*",))

    async def scenario() -> None:
        async with page(cookie) as socket:
            await subscribed(socket, "letters")
            await changed("letters", worst="crit", samples={"open": 3.0})
            assert set(await socket.told("changed")) == {"topic", "version"}

    run(scenario)


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


def test_the_loops_end_with_the_last_socket() -> None:
    cookie, _ = cookie_of()

    async def scenario() -> None:
        async with page(cookie) as socket:
            await subscribed(socket, "letters")
            assert len(pulse.of_this_loop().members) == 1
        await asyncio.sleep(0.1)
        assert not pulse.of_this_loop().members
        left = [task for task in asyncio.all_tasks() if "pulse" in repr(task.get_coro())]
        assert left == []

    run(scenario)
