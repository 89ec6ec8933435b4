"""The one websocket: who gets in, what is told, when it closes."""

from __future__ import annotations

import asyncio
import time

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model

from dlq.models import Replay
from reliability.access.models import Account
from reliability.kernel import clock
from reliability.live import pulse, sockets
from tests.integration.live.talking import changed, cookie_of, page, run, subscribed
from tests.support.pages import Page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clean_redis", "in_a_hurry")]


def stored_run(topic: str) -> int:
    """A replay of letters of that topic."""
    now = clock.SYSTEM.now()
    told = {"plan_hash": "x", "reason": "x", "actor": "ana", "scope": {}, "target": {}}
    return Replay.objects.create(topics=[topic], total=1, rate=1, created_at=now, paced_at=now, **told).pk


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
            began_s = time.monotonic()
            for number in range(200):
                await changed("letters", samples={"open": float(number)})
            heard = [await socket.told("changed")]
            while heard[-1]["samples"] != {"open": 199.0}:
                heard.append(await socket.told("changed"))
            assert len(heard) <= 2 + (time.monotonic() - began_s) / pulse.HINTS_EVERY_S

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


def test_another_address_is_closed_without_an_error() -> None:
    async def scenario() -> None:
        nowhere = Page(sockets.application, "/elsewhere/", headers=[(b"origin", b"http://localhost")])
        assert not await nowhere.connect()

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


def test_who_does_not_see_a_runs_topics_does_not_hear_of_it() -> None:
    cookie, client = cookie_of(topics=("orders*",))
    hidden, own = stored_run("stock"), stored_run("orders")

    async def scenario() -> None:
        async with page(cookie) as socket:
            await subscribed(socket, f"replay:{own}")
            wanted = [f"replay:{hidden}", "replay:999999", "replay:x", f"replay:{own}"]
            await socket.send({"subscribe": wanted})
            assert await socket.told("refused") == {"topics": wanted[:3]}
            await changed(f"replay:{hidden}")
            await changed(f"replay:{own}")
            assert (await socket.told("changed"))["topic"] == f"replay:{own}"

    run(scenario)
    asked = f"/live/versions?topics=replay:{hidden},replay:{own},letters"
    assert client.get(asked).json()["versions"].keys() == {f"replay:{own}", "letters"}


def test_other_scopes_end_what_is_heard_of_single_rows() -> None:
    cookie, _ = cookie_of(topics=("orders*",))
    followed = stored_run("orders")

    async def scenario() -> None:
        async with page(cookie) as socket:
            await subscribed(socket, f"replay:{followed}", "letters")
            await sync_to_async(Account.objects.update)(topic_scopes=["stock"])
            await asyncio.sleep(pulse.RECHECK_EVERY_S + 0.5)
            await changed(f"replay:{followed}")
            await changed("letters")
            assert (await socket.told("changed"))["topic"] == "letters"

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
