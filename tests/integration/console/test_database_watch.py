"""The watch of the database: what it takes for an outage, and whom it cuts off."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from reliability.console import outage, probing
from tests.support.waiting import wait_until


def test_the_watch_cuts_after_a_while_of_silence(unplugged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cuts: list[float] = []
    monkeypatch.setattr(outage, "CUT_AFTER_S", 0.5)
    monkeypatch.setattr(outage, "ANSWER_WITHIN_S", 0.2)
    monkeypatch.setattr(outage.lines, "cut", lambda: cuts.append(time.monotonic()) or 0)
    with unplugged("hangs"):
        assert outage.WATCH.saw_outage(None)
        wait_until(lambda: bool(cuts), within_s=10, what="it cuts")


@pytest.fixture
def watched(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """A watch at work whose first line hangs; the cuts that it makes."""
    monkeypatch.setattr(outage, "CUT_AFTER_S", 0.3)
    monkeypatch.setattr(outage, "ANSWER_WITHIN_S", 0.5)
    monkeypatch.setattr(outage, "ASK_EVERY_S", 0.1)
    cuts: list[float] = []
    monkeypatch.setattr(outage.lines, "cut", lambda: cuts.append(time.monotonic()) or 0)
    asked = probing.Asker.asked
    first: list[probing.Asker] = []

    async def hangs_first(asker: probing.Asker) -> None:
        first.append(asker)
        await asked(asker)
        if asker is first[0]:
            assert asker._connection is not None
            await asker._connection.execute("select pg_sleep(60)")

    monkeypatch.setattr(probing.Asker, "asked", hangs_first)
    # Another test's thread may still use the database; that this is no outage then has a test of its own.
    monkeypatch.setattr(outage.Watch, "_answered_within", lambda watch, seconds: False)
    monkeypatch.setattr(outage, "WATCH", outage.Watch())
    thread = threading.Thread(target=asyncio.run, args=(outage.WATCH.watch(),))
    thread.start()
    try:
        yield cuts
    finally:
        outage.WATCH.stop()
        thread.join()
        with connection.cursor() as cursor:  # the server does not know that nobody waits for it
            cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity where query like '%sleep(60)'")


def test_a_line_of_the_watch_s_own_that_hangs_is_left_for_a_new_one(watched: list[float], caplog: Any) -> None:
    """The database is well: who else waits is not cut off, and nobody is told of an outage again and again."""
    pool = connection.pool
    assert pool is not None
    drained_before = pool._drained_at

    def told(event: str) -> int:
        # Lines of the log stay; to be down lasts a moment, in which this thread may not have its turn.
        return sum(f"'event': '{event}'" in str(record.msg) for record in caplog.records)

    wait_until(lambda: told("database_down") == 1, within_s=10, what="it hears nothing")
    wait_until(lambda: told("database_up") == 1, within_s=10, what="a new line is answered")
    assert pool._drained_at != drained_before  # the pool's lines may be as dead as that one
    time.sleep(1.0)
    assert (told("database_down"), told("database_up")) == (1, 1)
    assert watched == []


def test_silence_is_no_outage_while_others_are_answered(unplugged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host out of breath: an attempt takes longer than it is given, while other requests get their connections."""
    monkeypatch.setattr(outage, "ATTEMPT_WITHIN_S", 0.3)
    stop = threading.Event()

    def others() -> None:
        while not stop.wait(0.01):
            outage.WATCH.answered()

    with unplugged("hangs"):
        thread = threading.Thread(target=others)
        thread.start()
        try:
            assert not outage.WATCH.saw_outage(None)
        finally:
            stop.set()
            thread.join()
        assert outage.WATCH.down_since is None
        time.sleep(0.1)
        assert outage.WATCH.saw_outage(None)  # nobody is answered any more


def test_a_connection_that_somebody_got_is_an_answer(unplugged: Any) -> None:
    connection.close()
    before = outage.WATCH._answered_s
    connection.ensure_connection()
    assert outage.WATCH._answered_s > before


def test_a_host_that_vanishes_is_given_up_after_seconds(transactional_db: None) -> None:
    connection.ensure_connection()
    assert connection.connection is not None
    with socket.socket(fileno=os.dup(connection.connection.fileno())) as line:
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000
