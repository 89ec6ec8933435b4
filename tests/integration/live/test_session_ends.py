"""An open socket when its session ends: by a person elsewhere, or by its time."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async

from reliability.access.models import BrowserSession
from reliability.access.operations import sessions
from reliability.kernel import clock
from tests.integration.live.talking import cookie_of, page, run, subscribed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clean_redis", "in_a_hurry")]


@pytest.mark.parametrize("how", ["ended", "idle", "too old"])
def test_an_open_socket_is_closed_within_five_seconds(how: str) -> None:
    cookie, client = cookie_of()
    client.get("/")
    assert BrowserSession.objects.count() == 1

    def end() -> None:
        if how == "ended":
            sessions.end([cookie])
        else:
            field = "seen_at" if how == "idle" else "began_at"
            BrowserSession.objects.update(**{field: clock.SYSTEM.now() - timedelta(hours=12)})

    async def scenario() -> None:
        async with page(cookie) as socket:
            await subscribed(socket, "letters")
            await sync_to_async(end)()
            began = time.monotonic()
            assert await socket.closed() == 4401
            assert time.monotonic() - began < 5

    run(scenario)
